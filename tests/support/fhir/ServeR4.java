// A HAPI FHIR R4 server that keeps resources in memory. Arguments: port, and a file with the bearer token that it takes.
import ca.uhn.fhir.batch2.jobs.config.Batch2JobsConfig;
import ca.uhn.fhir.broker.api.IBrokerClient;
import ca.uhn.fhir.broker.impl.LinkedBlockingBrokerClient;
import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.interceptor.api.Hook;
import ca.uhn.fhir.interceptor.api.Pointcut;
import ca.uhn.fhir.jpa.api.config.JpaStorageSettings;
import ca.uhn.fhir.jpa.api.config.ThreadPoolFactoryConfig;
import ca.uhn.fhir.jpa.batch2.JpaBatch2Config;
import ca.uhn.fhir.jpa.binary.api.IBinaryStorageSvc;
import ca.uhn.fhir.jpa.binstore.DatabaseBinaryContentStorageSvcImpl;
import ca.uhn.fhir.jpa.config.HapiJpaConfig;
import ca.uhn.fhir.jpa.config.r4.JpaR4Config;
import ca.uhn.fhir.jpa.config.util.HapiEntityManagerFactoryUtil;
import ca.uhn.fhir.jpa.model.config.PartitionSettings;
import ca.uhn.fhir.jpa.model.config.SubscriptionSettings;
import ca.uhn.fhir.jpa.model.dialect.HapiFhirH2Dialect;
import ca.uhn.fhir.jpa.subscription.channel.impl.LinkedBlockingChannelFactory;
import ca.uhn.fhir.jpa.subscription.channel.impl.RetryPolicyProvider;
import ca.uhn.fhir.rest.api.server.RequestDetails;
import ca.uhn.fhir.rest.server.RestfulServer;
import ca.uhn.fhir.rest.server.exceptions.AuthenticationException;
import ca.uhn.fhir.rest.server.provider.ResourceProviderFactory;
import jakarta.persistence.EntityManagerFactory;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;
import javax.sql.DataSource;
import org.apache.commons.dbcp2.BasicDataSource;
import org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.eclipse.jetty.ee10.servlet.ServletHolder;
import org.eclipse.jetty.server.Server;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.context.annotation.Primary;
import org.springframework.orm.jpa.JpaTransactionManager;
import org.springframework.orm.jpa.LocalContainerEntityManagerFactoryBean;

public class ServeR4 {
  public static void main(String[] arguments) throws Exception {
    AnnotationConfigApplicationContext beans = beans();
    RestfulServer fhir = new RestfulServer(beans.getBean(FhirContext.class));
    fhir.registerProviders(beans.getBean(ResourceProviderFactory.class).createProviders());
    fhir.registerInterceptor(new BearerToken(Path.of(arguments[1])));
    ServletContextHandler paths = new ServletContextHandler();
    ServletHolder holder = new ServletHolder(fhir);
    holder.setInitOrder(1);
    paths.addServlet(holder, "/fhir/*");
    Server server = new Server(new InetSocketAddress("127.0.0.1", Integer.parseInt(arguments[0])));
    server.setHandler(paths);
    server.start();
  }

  /** Only what a request needs is created: a whole server takes twice as long to start. */
  private static AnnotationConfigApplicationContext beans() {
    AnnotationConfigApplicationContext beans = new AnnotationConfigApplicationContext();
    beans.register(Storage.class);
    beans.addBeanFactoryPostProcessor(factory -> {
      for (String name : factory.getBeanDefinitionNames()) {
        factory.getBeanDefinition(name).setLazyInit(true);
      }
    });
    beans.refresh();
    return beans;
  }

  public static class BearerToken {
    private final Path file;

    BearerToken(Path file) {
      this.file = file;
    }

    @Hook(Pointcut.SERVER_INCOMING_REQUEST_PRE_HANDLED)
    public void check(RequestDetails request) throws IOException {
      String expected = "Bearer " + Files.readString(file).strip();
      if (!expected.equals(request.getHeader("Authorization"))) {
        throw new AuthenticationException("The bearer token is not known here");
      }
    }
  }

  @Configuration
  @Import({JpaR4Config.class, HapiJpaConfig.class, JpaBatch2Config.class, Batch2JobsConfig.class,
      ThreadPoolFactoryConfig.class})
  public static class Storage {
    @Bean
    public JpaStorageSettings storageSettings() {
      return new JpaStorageSettings();
    }

    @Bean
    public PartitionSettings partitionSettings() {
      return new PartitionSettings();
    }

    @Bean
    public SubscriptionSettings subscriptionSettings() {
      return new SubscriptionSettings();
    }

    @Bean
    public IBinaryStorageSvc binaryStorage() {
      return new DatabaseBinaryContentStorageSvcImpl();
    }

    @Bean
    public RetryPolicyProvider retryPolicyProvider() {
      return new RetryPolicyProvider();
    }

    @Bean
    public LinkedBlockingChannelFactory channelFactory(RetryPolicyProvider retries) {
      return new LinkedBlockingChannelFactory((name, settings) -> name, retries);
    }

    @Bean
    public IBrokerClient brokerClient() {
      return new LinkedBlockingBrokerClient((name, settings) -> name);
    }

    @Bean
    public DataSource dataSource() {
      BasicDataSource source = new BasicDataSource();
      source.setUrl("jdbc:h2:mem:fhir;DB_CLOSE_DELAY=-1");
      return source;
    }

    @Bean
    @Primary
    public LocalContainerEntityManagerFactoryBean entityManagerFactory(
        ConfigurableListableBeanFactory beans, FhirContext context, JpaStorageSettings settings, DataSource source) {
      LocalContainerEntityManagerFactoryBean factory =
          HapiEntityManagerFactoryUtil.newEntityManagerFactory(beans, context, settings);
      Properties hibernate = new Properties();
      hibernate.put("hibernate.dialect", HapiFhirH2Dialect.class.getName());
      hibernate.put("hibernate.hbm2ddl.auto", "create");
      hibernate.put("hibernate.search.enabled", "false");
      factory.setPersistenceUnitName("HAPI_PU");
      factory.setDataSource(source);
      factory.setJpaProperties(hibernate);
      return factory;
    }

    @Bean
    @Primary
    public JpaTransactionManager transactionManager(EntityManagerFactory factory) {
      return new JpaTransactionManager(factory);
    }
  }
}
