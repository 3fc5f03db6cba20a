/* SPDX-License-Identifier: Apache-2.0 */
package backend;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.web.servlet.context.ServletWebServerInitializedEvent;
import org.springframework.context.event.EventListener;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.client.RestClient;

/** What a user of the Java system has: getAccessUser, onMessage and onUpload, now asked by HTTP. */
@SpringBootApplication
@RestController
public class BackEnd {
    /** The application's own user, as its controller returned it. */
    public record HrAccessUser(String accessToken, Integer id, String name, Integer tenantId) {
    }

    private static final Map<String, HrAccessUser> SIGNED_IN = Map.of(
            "t7", new HrAccessUser("t7", 7, "Ann", 3), "t31", new HrAccessUser("t31", 31, "Bob", 3));

    private final ObjectMapper json;
    private final Signatures signatures = new Signatures("shared-secret");

    public BackEnd(ObjectMapper json) {
        this.json = json;
    }

    public static void main(String[] arguments) {
        SpringApplication.run(BackEnd.class, arguments);
    }

    @EventListener
    public void tellPort(ServletWebServerInitializedEvent event) {
        System.out.println("listening port=" + event.getWebServer().getPort());
    }

    private JsonNode read(String body, String signature) throws IOException {
        signatures.check(body, signature);
        return json.readTree(body);
    }

    /** getAccessUser(): by the token, from the parameters or the cookies. */
    @PostMapping("/auth")
    public ResponseEntity<?> auth(@RequestBody String body, @RequestHeader("sse-signature") String signature)
            throws IOException {
        JsonNode question = read(body, signature);
        String token = question.get("parameters").path("access-token")
                .asText(question.get("cookies").path("access-token").asText());
        HrAccessUser user = SIGNED_IN.get(token);
        return user == null ? ResponseEntity.status(401).build() : ResponseEntity.ok(user);
    }

    /** onMessage(path, connection, message). */
    @PostMapping("/message")
    public Object message(@RequestBody String body, @RequestHeader("sse-signature") String signature)
            throws IOException {
        JsonNode told = read(body, signature);
        String path = told.get("path").asText();
        if (path.equals("boom")) {
            throw new IllegalStateException("what only the application is to see");
        }
        if (path.equals("text")) {
            return "a \"text\"";
        }
        return answer(told, told.get("message"));
    }

    /** onUpload(path, connection, message, files): the names and sizes of what has come. */
    @PostMapping("/upload")
    public Object upload(@RequestBody String body, @RequestHeader("sse-signature") String signature)
            throws IOException {
        JsonNode told = read(body, signature);
        Map<String, Object> answer = answer(told, told.get("query"));
        Map<String, Object> files = new LinkedHashMap<>();
        told.get("parts").forEach(part -> files.put(part.get("name").asText(), part.get("size").asInt()));
        answer.put("files", files);
        return answer;
    }

    private static Map<String, Object> answer(JsonNode told, JsonNode message) {
        JsonNode connection = told.get("connection");
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("path", told.get("path").asText());
        answer.put("connection", connection.isNull() ? null : connection.get("id").asText());
        answer.put("message", message);
        return answer;
    }

    /** Reads a list of sse-server into the classes that read it from the Java system, and writes it again. */
    @GetMapping("/lists/{name}")
    public Object list(@PathVariable String name, @RequestParam String base, @RequestParam String key)
            throws IOException {
        String text = RestClient.create().get().uri(base + "/connect/" + name + ".json")
                .header("authorization", "Bearer " + key).retrieve().body(String.class);
        return json.readerFor(Lists.typeOf(name)).with(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
                .readValue(text);
    }
}
