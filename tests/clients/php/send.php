<?php
// SPDX-License-Identifier: Apache-2.0
// Libraries of PHP that POST a message: send.php LIBRARY; SSE_URL, SSE_API_KEY and SSE_CA_FILE say where, as whom, and
// whose certificate is to be trusted. Prints the status and the answer.

$url = getenv('SSE_URL') . '/send';
$headers = ['authorization' => 'Bearer ' . getenv('SSE_API_KEY'), 'content-type' => 'application/json'];
$lines = array_map(fn ($name, $value) => "$name: $value", array_keys($headers), $headers);
$caFile = getenv('SSE_CA_FILE');
$message = getenv('SSE_MESSAGE');

$libraries = [
    'streams' => function () use ($url, $lines, $caFile, $message) {
        $http = ['method' => 'POST', 'header' => $lines, 'content' => $message, 'ignore_errors' => true];
        $text = file_get_contents($url, false, stream_context_create(['http' => $http, 'ssl' => ['cafile' => $caFile]]));
        return [explode(' ', $http_response_header[0])[1], $text];
    },
    'curl' => function () use ($url, $lines, $caFile, $message) {
        $curl = curl_init($url);
        curl_setopt_array($curl, [CURLOPT_POSTFIELDS => $message, CURLOPT_HTTPHEADER => $lines,
            CURLOPT_CAINFO => $caFile, CURLOPT_RETURNTRANSFER => true]);
        $text = curl_exec($curl);
        return [curl_getinfo($curl, CURLINFO_RESPONSE_CODE), $text];
    },
    'Guzzle' => function () use ($url, $headers, $caFile, $message) {
        require_once 'GuzzleHttp/autoload.php';
        $client = new GuzzleHttp\Client(['verify' => $caFile, 'http_errors' => false]);
        $answer = $client->post($url, ['headers' => $headers, 'body' => $message]);
        return [$answer->getStatusCode(), $answer->getBody()];
    },
    'Symfony' => function () use ($url, $headers, $caFile, $message) {
        require_once 'Symfony/Component/HttpClient/autoload.php';
        $client = Symfony\Component\HttpClient\HttpClient::create(['cafile' => $caFile]);
        $answer = $client->request('POST', $url, ['headers' => $headers, 'body' => $message]);
        return [$answer->getStatusCode(), $answer->getContent(false)];
    },
];

echo implode(' ', $libraries[$argv[1]]()), "\n";
