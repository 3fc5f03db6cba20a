# SPDX-License-Identifier: Apache-2.0
# Libraries of Perl that POST a message: send.pl LIBRARY; SSE_URL, SSE_API_KEY and SSE_CA_FILE say where, as whom, and
# whose certificate is to be trusted. Prints the status and the answer.
use strict;
use warnings;

my $url     = "$ENV{SSE_URL}/send";
my @headers = ( 'authorization' => "Bearer $ENV{SSE_API_KEY}", 'content-type' => 'application/json' );

my %libraries = (
    'LWP' => sub {
        require LWP::UserAgent;
        my $agent  = LWP::UserAgent->new( ssl_opts => { SSL_ca_file => $ENV{SSE_CA_FILE} } );
        my $answer = $agent->post( $url, @headers, Content => $ENV{SSE_MESSAGE} );
        return ( $answer->code, $answer->content );
    },
    'HTTP::Tiny' => sub {
        require HTTP::Tiny;
        my $agent  = HTTP::Tiny->new( verify_SSL => 1, SSL_options => { SSL_ca_file => $ENV{SSE_CA_FILE} } );
        my $answer = $agent->post( $url, { headers => {@headers}, content => $ENV{SSE_MESSAGE} } );
        return ( $answer->{status}, $answer->{content} );
    },
);

print join( ' ', $libraries{ $ARGV[0] }->() ), "\n";
