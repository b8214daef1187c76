// Validates FHIR R4 resources with HL7's definitions; prints one line a message: file, severity, place, text.
import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.DefaultProfileValidationSupport;
import ca.uhn.fhir.validation.FhirValidator;
import ca.uhn.fhir.validation.SingleValidationMessage;
import java.nio.file.Files;
import java.nio.file.Path;
import org.hl7.fhir.common.hapi.validation.support.CommonCodeSystemsTerminologyService;
import org.hl7.fhir.common.hapi.validation.support.InMemoryTerminologyServerValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.ValidationSupportChain;
import org.hl7.fhir.common.hapi.validation.validator.FhirInstanceValidator;

public class ValidateR4 {
  public static void main(String[] files) throws Exception {
    FhirValidator validator = validator();
    for (String file : files) {
      for (SingleValidationMessage message :
          validator.validateWithResult(Files.readString(Path.of(file))).getMessages()) {
        String text = message.getMessage().replaceAll("\\s+", " ");
        System.out.println(String.join("\t", file, message.getSeverity().getCode(), message.getLocationString(), text));
      }
    }
  }

  private static FhirValidator validator() {
    FhirContext context = FhirContext.forR4();
    FhirInstanceValidator module = new FhirInstanceValidator(new ValidationSupportChain(
        new DefaultProfileValidationSupport(context),
        new InMemoryTerminologyServerValidationSupport(context),
        new CommonCodeSystemsTerminologyService(context)));
    module.setAnyExtensionsAllowed(false);
    return context.newValidator().registerValidatorModule(module);
  }
}
