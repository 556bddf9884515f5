//! A service that answers with its version, and the two balancers before it.

use serde::{Deserialize, Serialize};
use togusa::prelude::*;

/// Answers `GET /` with the version, and `GET /health` with 200 unless the version is `bad`.
const SERVER: &str = r#"
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

version = sys.argv[1]

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        body = version.encode()
        self.send_response(500 if version == "bad" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        pass

class Server(ThreadingHTTPServer):
    request_queue_size = 128

Server(("", 8000), Handler).serve_forever()
"#;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Serves {
    address: Address,
}
impl Resource for Serves {}

#[derive(Debug, Attributes)]
pub(super) struct Serving {
    version: String,
}

impl Component for Serving {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        scope.offer(Serves { address: scope.address(8000) });
        scope.add(File::new("serve.py").content(SERVER));
        let program = Program::new("serving", "/usr/bin/python3").directory(scope.path("."));
        scope.add(program.args(["serve.py", &self.version]));
        let check = HealthCheck::http("http://127.0.0.1:8000/health");
        scope.add(check);
        Ok(())
    }
}

/// nginx before all of them; a request that fails is not tried elsewhere.
#[derive(Debug, Attributes)]
pub(super) struct Front {}

const SITE: &str = "upstream serving {\n{% for address in addresses %}    server {{ address }};\n\
                    {% endfor %}}\nserver {\n    listen 8080;\n    location / {\n        \
                    proxy_next_upstream off;\n        proxy_pass http://serving;\n    }\n}\n";

impl Component for Front {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let all = scope.require_all::<Serves>()?;
        let addresses: Vec<_> = all.iter().map(|serves| serves.address.to_string()).collect();
        let site = NginxSite::new("serving").inline_template(SITE, context! { addresses });
        scope.add(all.iter().fold(site, |site, serves| site.server_of(serves, &serves.address)));
        Ok(())
    }
}

/// HAProxy before all of them.
#[derive(Debug, Attributes)]
pub(super) struct Edge {}

impl Component for Edge {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let all = scope.require_all::<Serves>()?;
        let backend = HaproxyBackend::new("serving").listen(8080).mode("http").option("retries 0");
        scope.add(all.iter().fold(backend, |backend, serves| {
            backend.server_of(serves, serves.host().as_str(), &serves.address)
        }));
        Ok(())
    }
}
