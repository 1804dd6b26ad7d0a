import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsServer;
import com.sun.net.httpserver.spi.HttpServerProvider;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import sun.net.httpserver.DefaultHttpServerProvider;

/** CoreNLP binds every interface and has no option for that: this makes the JVM's HTTP server bind the loopback one only. */
public final class LoopbackProvider extends HttpServerProvider {
  private final HttpServerProvider standard = new DefaultHttpServerProvider();

  @Override
  public HttpServer createHttpServer(InetSocketAddress address, int backlog) throws IOException {
    return standard.createHttpServer(onLoopback(address), backlog);
  }

  @Override
  public HttpsServer createHttpsServer(InetSocketAddress address, int backlog) throws IOException {
    return standard.createHttpsServer(onLoopback(address), backlog);
  }

  private static InetSocketAddress onLoopback(InetSocketAddress address) {
    return new InetSocketAddress(InetAddress.getLoopbackAddress(), address.getPort());
  }
}
