import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.FileInputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import javax.xml.parsers.DocumentBuilder;
import javax.xml.parsers.DocumentBuilderFactory;
import org.mustangproject.validator.ZUGFeRDValidator;
import org.verapdf.ReleaseDetails;
import org.verapdf.gf.foundry.VeraGreenfieldFoundryProvider;
import org.verapdf.pdfa.Foundries;
import org.verapdf.pdfa.PDFAParser;
import org.verapdf.pdfa.PDFAValidator;
import org.verapdf.pdfa.flavours.PDFAFlavour;
import org.verapdf.pdfa.results.TestAssertion;
import org.verapdf.pdfa.results.ValidationResult;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

/**
 * Reads lines of "judges TAB file" and answers each with one line of JSON, in the order asked.
 *
 * <p>Judges are separated by commas: a flavour of veraPDF ("3a", "ua1") or "mustang".
 */
public final class Judge {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String MUSTANG = "mustang";
    private static final int MOST_MESSAGES = 20;
    private static final int MOST_FAILED_CHECKS_A_RULE = 3;

    private Judge() {}

    public static void main(String[] args) throws Exception {
        // Libraries print as well; what is asked for must stay apart from that.
        PrintStream answers = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        System.setOut(System.err);
        VeraGreenfieldFoundryProvider.initialise();
        ExecutorService threads = Executors.newFixedThreadPool(Integer.parseInt(args[0]));
        List<Future<String>> pending = new ArrayList<>();
        try (BufferedReader questions =
                new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
            String question;
            while ((question = questions.readLine()) != null) {
                String[] parts = question.split("\t", 2);
                pending.add(threads.submit(() -> judged(parts[0].split(","), parts[1])));
            }
        }
        for (Future<String> answer : pending) {
            answers.println(answer.get());
        }
        threads.shutdown();
    }

    private static String judged(String[] judges, String file) throws Exception {
        ObjectNode answer = JSON.createObjectNode().put("file", file);
        ObjectNode verdicts = answer.putObject("verdicts");
        List<PDFAFlavour> flavours = new ArrayList<>();
        for (String judge : judges) {
            if (judge.equals(MUSTANG)) {
                verdicts.set(judge, byMustang(file));
            } else {
                flavours.add(PDFAFlavour.byFlavourId(judge));
            }
        }
        if (!flavours.isEmpty()) {
            byVeraPdf(file, flavours, verdicts);
        }
        return JSON.writeValueAsString(answer);
    }

    /** Each flavour's failed rules. A file that cannot be read at all is a failure of each. */
    private static void byVeraPdf(String file, List<PDFAFlavour> flavours, ObjectNode verdicts) {
        try (FileInputStream content = new FileInputStream(file);
                PDFAParser parser =
                        Foundries.defaultInstance().createParser(content, flavours.get(0));
                PDFAValidator validator =
                        Foundries.defaultInstance()
                                .createValidator(
                                        flavours, MOST_FAILED_CHECKS_A_RULE, false, true, false)) {
            for (ValidationResult result : validator.validateAll(parser)) {
                TreeSet<String> said = new TreeSet<>();
                for (TestAssertion found : result.getTestAssertions()) {
                    if (found.getStatus() == TestAssertion.Status.FAILED) {
                        said.add(
                                String.format(
                                        "%s-%d: %s",
                                        found.getRuleId().getClause(),
                                        found.getRuleId().getTestNumber(),
                                        firstOf(found.getErrorMessage(), found.getMessage())));
                    }
                }
                verdicts.set(
                        result.getPDFAFlavour().getId(), verdict(result.isCompliant(), said));
            }
        } catch (Exception error) {
            for (PDFAFlavour flavour : flavours) {
                verdicts.set(flavour.getId(), verdict(false, List.of(error.toString())));
            }
        }
    }

    private static String firstOf(String message, String otherwise) {
        return message == null ? otherwise : message;
    }

    /**
     * Mustang's report, in which a notice is no error.
     *
     * <p>Its overall verdict is "valid" where its PDF/A part is "invalid": every part counts here.
     */
    private static ObjectNode byMustang(String file) {
        try {
            ZUGFeRDValidator validator = new ZUGFeRDValidator();
            validator.disableNotices();
            NodeList report = parsed(validator.validate(file)).getElementsByTagName("*");
            boolean passed = validator.wasCompletelyValid();
            List<String> said = new ArrayList<>();
            for (int at = 0; at < report.getLength(); at++) {
                Element part = (Element) report.item(at);
                if (List.of("error", "exception").contains(part.getTagName())) {
                    said.add(part.getTextContent().strip());
                } else if (isRefusal(part)) {
                    said.add(part.getParentNode().getNodeName() + " is invalid");
                }
            }
            return verdict(passed && said.isEmpty(), said);
        } catch (Exception error) {
            return verdict(false, List.of(error.toString()));
        }
    }

    private static boolean isRefusal(Element part) {
        return part.getTagName().equals("summary") && !part.getAttribute("status").equals("valid");
    }

    private static Document parsed(String report) throws Exception {
        DocumentBuilder builder = DocumentBuilderFactory.newInstance().newDocumentBuilder();
        return builder.parse(new ByteArrayInputStream(report.getBytes(StandardCharsets.UTF_8)));
    }

    private static ObjectNode verdict(boolean passed, Iterable<String> said) {
        ObjectNode verdict = JSON.createObjectNode().put("passed", passed);
        ArrayNode messages = verdict.putArray("said");
        for (String message : said) {
            if (messages.size() < MOST_MESSAGES) {
                messages.add(message);
            }
        }
        return verdict;
    }
}
