// SPDX-License-Identifier: Apache-2.0
// Sends to pages with the JDK alone:
//     SSE_URL=https://push.example.org/sse/hr SSE_API_KEY=… java Send.java
// SSE_CA_FILE, if set, holds the certificates to trust instead of the system's.
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

public final class Send {
    private final HttpClient client;
    private final HttpRequest.Builder request;

    /** Keep one of these: its client keeps one connection, and opens another when that is closed. */
    Send(String url, String key, String caFile) throws IOException, GeneralSecurityException {
        HttpClient.Builder builder = HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_2);
        if (caFile != null) {
            builder.sslContext(trusting(Path.of(caFile)));
        }
        client = builder.build();
        request = HttpRequest.newBuilder(URI.create(url + "/send"))
                .header("authorization", "Bearer " + key)
                .header("content-type", "application/json")
                .timeout(Duration.ofSeconds(10));
    }

    private static SSLContext trusting(Path caFile) throws IOException, GeneralSecurityException {
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        try (InputStream pem = Files.newInputStream(caFile)) {
            for (Certificate one : CertificateFactory.getInstance("X.509").generateCertificates(pem)) {
                store.setCertificateEntry("ca-" + store.size(), one);
            }
        }
        TrustManagerFactory trust =
                TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(store);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, trust.getTrustManagers(), null);
        return context;
    }

    /** The answer's JSON, for the JSON library of your choice; the messages come from there too. */
    String send(String json) throws IOException, InterruptedException {
        HttpResponse<String> answer =
                client.send(request.copy().POST(BodyPublishers.ofString(json)).build(), BodyHandlers.ofString());
        if (answer.statusCode() != 200) {
            throw new IOException(answer.statusCode() + " " + answer.body());
        }
        return answer.body();
    }

    public static void main(String[] args) throws Exception {
        Send sender = new Send(System.getenv("SSE_URL"), System.getenv("SSE_API_KEY"), System.getenv("SSE_CA_FILE"));
        // To one user, and an array to many.
        System.out.println(sender.send("{\"event\":\"hello\",\"data\":{\"n\":1},\"userId\":\"7\"}"));
        System.out.println(sender.send("[{\"event\":\"hello\",\"data\":{\"n\":2},\"userId\":[\"7\",\"8\"]},"
                + "{\"event\":\"hello\",\"data\":{\"n\":3},\"all\":true}]"));
        // A mistake: whom is this for?
        try {
            sender.send("{\"event\":\"hello\",\"data\":{\"n\":4}}");
        } catch (IOException error) {
            System.out.println("not sent: " + error.getMessage());
        }
    }
}
