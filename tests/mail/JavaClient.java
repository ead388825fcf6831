// SPDX-License-Identifier: MIT
// One login at a mail server on localhost by Java's mail, and a look into the INBOX:
//   java -cp LIBRARIES JavaClient imap|pop3 PORT none|starttls|tls PASSWORD AUTHORITY MECHANISM
// prints "let in, N messages", or "refused: " with the server's text.

import jakarta.mail.AuthenticationFailedException;
import jakarta.mail.Folder;
import jakarta.mail.Session;
import jakarta.mail.Store;
import java.io.FileInputStream;
import java.io.InputStream;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.Properties;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.TrustManagerFactory;

public class JavaClient {
    static SSLSocketFactory trust(String authority) throws Exception {
        KeyStore known = KeyStore.getInstance(KeyStore.getDefaultType());
        known.load(null);
        try (InputStream file = new FileInputStream(authority)) {
            known.setCertificateEntry("authority", CertificateFactory.getInstance("X.509").generateCertificate(file));
        }
        TrustManagerFactory trusted = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trusted.init(known);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, trusted.getTrustManagers(), null);
        return context.getSocketFactory();
    }

    public static void main(String[] words) throws Exception {
        String security = words[2];
        String protocol = security.equals("tls") ? words[0] + "s" : words[0];
        Properties settings = new Properties();
        String prefix = "mail." + protocol + ".";
        settings.put(prefix + "ssl.socketFactory", trust(words[4]));
        settings.put(prefix + "ssl.checkserveridentity", "true");
        settings.put(prefix + "starttls.enable", String.valueOf(security.equals("starttls")));
        settings.put(prefix + "starttls.required", String.valueOf(security.equals("starttls")));
        settings.put(prefix + "auth.mechanisms", words[5]);
        try (Store store = Session.getInstance(settings).getStore(protocol)) {
            store.connect("localhost", Integer.parseInt(words[1]), "ann", words[3]);
            Folder inbox = store.getFolder("INBOX");
            inbox.open(Folder.READ_ONLY);
            System.out.println("let in, " + inbox.getMessageCount() + " messages: " + inbox.getMessage(1).getSubject());
            inbox.close(false);
        } catch (AuthenticationFailedException problem) {
            System.out.println("refused: " + problem.getMessage());
        }
    }
}
