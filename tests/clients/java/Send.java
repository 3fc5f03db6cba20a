// SPDX-License-Identifier: Apache-2.0

// Libraries of Java that POST a message: Send LIBRARY; SSE_URL, SSE_API_KEY and SSE_CA_FILE say where, as whom, and
// whose certificate is to be trusted. Prints the status and the answer.

import feign.Client;
import feign.Request;
import io.netty.handler.ssl.SslContextBuilder;
import java.io.IOException;
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import javax.net.ssl.HttpsURLConnection;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;
import okhttp3.MediaType;
import okhttp3.OkHttpClient;
import okhttp3.RequestBody;
import org.apache.hc.client5.http.classic.methods.HttpPost;
import org.apache.hc.client5.http.impl.classic.HttpClients;
import org.apache.hc.client5.http.impl.io.PoolingHttpClientConnectionManagerBuilder;
import org.apache.hc.client5.http.ssl.DefaultClientTlsStrategy;
import org.apache.hc.core5.http.ContentType;
import org.apache.hc.core5.http.io.entity.EntityUtils;
import org.apache.hc.core5.http.io.entity.StringEntity;
import org.springframework.http.HttpHeaders;
import org.springframework.http.client.JdkClientHttpRequestFactory;
import org.springframework.http.client.reactive.ReactorClientHttpConnector;
import org.springframework.web.client.RestTemplate;
import org.springframework.web.reactive.function.client.WebClient;

final class Send {
    private static final URI ADDRESS = URI.create(System.getenv("SSE_URL") + "/send");
    private static final String AUTHORIZATION = "Bearer " + System.getenv("SSE_API_KEY");
    private static final String JSON = "application/json";
    private static final String MESSAGE = System.getenv("SSE_MESSAGE");

    private static TrustManagerFactory trust;
    private static SSLContext tls;

    private interface Library {
        String send() throws Exception;
    }

    private static final Map<String, Library> LIBRARIES = new TreeMap<>(Map.of(
        "HttpURLConnection", Send::byUrlConnection,
        "HttpClient", () -> byHttpClient(HttpClient.Version.HTTP_2),
        "HttpClient of HTTP/1.1", () -> byHttpClient(HttpClient.Version.HTTP_1_1),
        "OkHttp", Send::byOkHttp,
        "Apache HttpClient", Send::byApache,
        "RestTemplate", () -> byRestTemplate(new RestTemplate()),
        "RestTemplate on HttpClient", () -> byRestTemplate(new RestTemplate(new JdkClientHttpRequestFactory(
            HttpClient.newBuilder().sslContext(tls).build()))),
        "WebClient", Send::byWebClient,
        "Feign", Send::byFeign));

    public static void main(String[] arguments) throws Exception {
        trustFile(Path.of(System.getenv("SSE_CA_FILE")));
        for (String library : arguments) {
            System.out.println(LIBRARIES.get(library).send());
        }
        System.exit(0); // pools keep threads
    }

    private static void trustFile(Path authority) throws Exception {
        KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
        trusted.load(null);
        try (InputStream file = Files.newInputStream(authority)) {
            trusted.setCertificateEntry("server", CertificateFactory.getInstance("X.509").generateCertificate(file));
        }
        trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(trusted);
        tls = SSLContext.getInstance("TLS");
        tls.init(null, trust.getTrustManagers(), null);
        HttpsURLConnection.setDefaultSSLSocketFactory(tls.getSocketFactory());
    }

    private static String textOf(InputStream stream) throws IOException {
        return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
    }

    private static String byUrlConnection() throws Exception {
        HttpURLConnection connection = (HttpURLConnection) ADDRESS.toURL().openConnection();
        connection.setRequestProperty("authorization", AUTHORIZATION);
        connection.setRequestProperty("content-type", JSON);
        connection.setDoOutput(true);
        connection.getOutputStream().write(MESSAGE.getBytes(StandardCharsets.UTF_8));
        int status = connection.getResponseCode();
        return status + " " + textOf(status < 400 ? connection.getInputStream() : connection.getErrorStream());
    }

    private static String byHttpClient(HttpClient.Version version) throws Exception {
        HttpRequest request = HttpRequest.newBuilder(ADDRESS).header("authorization", AUTHORIZATION)
            .header("content-type", JSON).POST(HttpRequest.BodyPublishers.ofString(MESSAGE)).build();
        HttpResponse<String> answer = HttpClient.newBuilder().version(version).sslContext(tls).build()
            .send(request, HttpResponse.BodyHandlers.ofString());
        return answer.statusCode() + " " + answer.body();
    }

    private static String byOkHttp() throws Exception {
        OkHttpClient client = new OkHttpClient.Builder()
            .sslSocketFactory(tls.getSocketFactory(), (X509TrustManager) trust.getTrustManagers()[0]).build();
        var request = new okhttp3.Request.Builder().url(ADDRESS.toURL()).header("authorization", AUTHORIZATION)
            .post(RequestBody.create(MESSAGE, MediaType.get(JSON))).build();
        try (var answer = client.newCall(request).execute()) {
            return answer.code() + " " + answer.body().string();
        }
    }

    private static String byApache() throws Exception {
        var connections = PoolingHttpClientConnectionManagerBuilder.create()
            .setTlsSocketStrategy(new DefaultClientTlsStrategy(tls)).build();
        HttpPost request = new HttpPost(ADDRESS);
        request.setHeader("authorization", AUTHORIZATION);
        request.setEntity(new StringEntity(MESSAGE, ContentType.APPLICATION_JSON));
        try (var client = HttpClients.custom().setConnectionManager(connections).build()) {
            return client.execute(request, answer -> answer.getCode() + " " + EntityUtils.toString(answer.getEntity()));
        }
    }

    private static String byRestTemplate(RestTemplate template) {
        HttpHeaders headers = new HttpHeaders();
        headers.set("authorization", AUTHORIZATION);
        headers.set("content-type", JSON);
        var answer = template.postForEntity(ADDRESS, new org.springframework.http.HttpEntity<>(MESSAGE, headers),
            String.class);
        return answer.getStatusCode().value() + " " + answer.getBody();
    }

    private static String byWebClient() throws Exception {
        var context = SslContextBuilder.forClient().trustManager(trust).build();
        var http = reactor.netty.http.client.HttpClient.create().secure(spec -> spec.sslContext(context));
        var answer = WebClient.builder().clientConnector(new ReactorClientHttpConnector(
                ADDRESS.getScheme().equals("https") ? http : reactor.netty.http.client.HttpClient.create())).build()
            .post().uri(ADDRESS).header("authorization", AUTHORIZATION).header("content-type", JSON)
            .bodyValue(MESSAGE).retrieve().toEntity(String.class).block();
        return answer.getStatusCode().value() + " " + answer.getBody();
    }

    private static String byFeign() throws Exception {
        Map<String, Collection<String>> headers =
            Map.of("authorization", List.of(AUTHORIZATION), "content-type", List.of(JSON));
        Request request = Request.create(Request.HttpMethod.POST, ADDRESS.toString(), headers,
            MESSAGE.getBytes(StandardCharsets.UTF_8), StandardCharsets.UTF_8, null);
        try (var answer = new Client.Default(tls.getSocketFactory(), null).execute(request, new Request.Options())) {
            return answer.status() + " " + textOf(answer.body().asInputStream());
        }
    }
}
