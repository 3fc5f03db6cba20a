# SPDX-License-Identifier: Apache-2.0
# Libraries of Ruby that POST a message: send.rb LIBRARY; SSE_URL, SSE_API_KEY and SSE_CA_FILE say where, as whom, and
# whose certificate is to be trusted. Prints the status and the answer.
require 'net/http'

URL = URI("#{ENV.fetch('SSE_URL')}/send")
HEADERS = { 'authorization' => "Bearer #{ENV.fetch('SSE_API_KEY')}", 'content-type' => 'application/json' }.freeze
CA_FILE = ENV.fetch('SSE_CA_FILE')
MESSAGE = ENV.fetch('SSE_MESSAGE')

LIBRARIES = {
  'net/http' => lambda do
    answer = Net::HTTP.start(URL.host, URL.port, use_ssl: URL.scheme == 'https', ca_file: CA_FILE) do |http|
      http.post(URL.path, MESSAGE, HEADERS)
    end
    [answer.code, answer.body]
  end,
  'Faraday' => lambda do
    require 'faraday'
    answer = Faraday.new(ssl: { ca_file: CA_FILE }).post(URL.to_s, MESSAGE, HEADERS)
    [answer.status, answer.body]
  end,
  'Excon' => lambda do
    require 'excon'
    answer = Excon.post(URL.to_s, body: MESSAGE, headers: HEADERS, ssl_ca_file: CA_FILE)
    [answer.status, answer.body]
  end,
}.freeze

puts LIBRARIES.fetch(ARGV[0]).call.join(' ')
