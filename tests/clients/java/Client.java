// SPDX-License-Identifier: Apache-2.0

// okhttp-sse: reads one stream; coming back with the last id is the caller's.

import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.Response;
import okhttp3.sse.EventSource;
import okhttp3.sse.EventSourceListener;
import okhttp3.sse.EventSources;

final class Client extends EventSourceListener {
    private static final long PAUSE_MS = 200; // between two attempts

    private final PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
    private final EventSource.Factory factory;
    private final String address;
    private volatile String lastId = "";

    private Client(OkHttpClient http, String address) {
        this.factory = EventSources.createFactory(http);
        this.address = address;
    }

    public static void main(String[] arguments) throws Exception {
        OkHttpClient http = trusting(Path.of(arguments[1])).readTimeout(Duration.ZERO).build();
        new Client(http, arguments[0]).open();
    }

    private static OkHttpClient.Builder trusting(Path authority) throws Exception {
        KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
        trusted.load(null);
        try (InputStream file = Files.newInputStream(authority)) {
            trusted.setCertificateEntry("server", CertificateFactory.getInstance("X.509").generateCertificate(file));
        }
        var trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(trusted);
        SSLContext tls = SSLContext.getInstance("TLS");
        tls.init(null, trust.getTrustManagers(), null);
        return new OkHttpClient.Builder()
            .sslSocketFactory(tls.getSocketFactory(), (X509TrustManager) trust.getTrustManagers()[0]);
    }

    private void open() {
        Request.Builder request = new Request.Builder().url(address);
        if (!lastId.isEmpty()) {
            request.header("Last-Event-ID", lastId);
        }
        factory.newEventSource(request.build(), this);
    }

    private void openSoon() {
        timer.schedule(this::open, PAUSE_MS, TimeUnit.MILLISECONDS);
    }

    @Override
    public void onEvent(EventSource source, String id, String type, String data) {
        lastId = id == null ? lastId : id;
        out.println("{\"id\":" + quoted(lastId) + ",\"event\":" + quoted(type) + ",\"data\":" + quoted(data) + "}");
    }

    @Override
    public void onClosed(EventSource source) {
        openSoon();
    }

    @Override
    public void onFailure(EventSource source, Throwable error, Response response) {
        System.err.println("okhttp-sse: " + (response == null ? error : response.code()));
        openSoon();
    }

    /** A JSON string; type is null where the stream names none. */
    private static String quoted(String text) {
        StringBuilder json = new StringBuilder("\"");
        for (char each : (text == null ? "" : text).toCharArray()) {
            boolean isPlain = each >= ' ' && each != '"' && each != '\\' && each < 0x7f;
            json.append(isPlain ? String.valueOf(each) : String.format("\\u%04x", (int) each));
        }
        return json.append('"').toString();
    }
}
