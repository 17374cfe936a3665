//! The decision alone in policy engines, behind the same endpoint as the service: the body is parsed,
//! the engine decides, and a reply of the usual size goes out. Nothing is recorded. The licences are
//! two documents, export and import, that stand under whatever numbers a declaration quotes.
mod cedar;
mod rego;

use actix_web::App;
use actix_web::HttpResponse;
use actix_web::HttpServer;
use actix_web::web;
use serde_json::Value;
use std::error::Error;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// An engine with its policies.
trait Engine {
    /// The verdict on a declaration under licences, an object by number.
    fn decide(
        &mut self,
        declaration: Value,
        licences: Value,
    ) -> Result<&'static str, Box<dyn Error>>;
}

/// A verdict by the heaviest of the reasons' first letters: `b` blocks, `r` refers.
fn verdict<'a>(reasons: impl IntoIterator<Item = &'a str>) -> &'static str {
    let (mut blocks, mut refers) = (false, false);
    for reason in reasons {
        blocks |= reason.starts_with('b');
        refers |= reason.starts_with('r');
    }
    if blocks {
        "hold"
    } else if refers {
        "refer"
    } else {
        "clear"
    }
}

struct Shell {
    engine: Box<dyn Engine>,
    documents: Vec<Value>,
}

impl Shell {
    fn answer(&mut self, body: &[u8]) -> Result<String, Box<dyn Error>> {
        let mut body: Value = serde_json::from_slice(body)?;
        let declaration = body["declaration"].take();
        let mut licences = serde_json::Map::new();
        let quotes = declaration["items"][0]["licences"].as_array().ok_or("no licences")?;
        for (quote, document) in quotes.iter().zip(&self.documents) {
            licences
                .insert(quote["number"].as_str().ok_or("no number")?.to_owned(), document.clone());
        }
        let reference = declaration["reference"]["value"].to_string();
        let verdict = self.engine.decide(declaration, licences.into())?;
        let head = format!(
            "{{\"id\":\"00000000-0000-0000-0000-000000000000\",\"verdict\":\"{verdict}\",\"declaration\":{reference},\"rest\":\""
        );
        Ok(format!("{head}{:-<width$}\"}}", "", width = 600 - head.len()))
    }
}

async fn verify(body: web::Bytes, shell: web::Data<std::cell::RefCell<Shell>>) -> HttpResponse {
    match shell.borrow_mut().answer(&body) {
        Ok(reply) => HttpResponse::Created().content_type("application/json").body(reply),
        Err(error) => HttpResponse::InternalServerError().body(error.to_string()),
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, kind, file] = arguments.as_slice() else {
        return Err("peers cedar|rego LICENCES.json".into());
    };
    let documents: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(file)?)?;
    let kind = kind.clone();
    if !["cedar", "rego"].contains(&kind.as_str()) {
        return Err(format!("{kind} is not an engine").into());
    }
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    println!("listens on {}", listener.local_addr()?);
    let server = HttpServer::new(move || {
        let engine: Box<dyn Engine> = match kind.as_str() {
            "cedar" => Box::new(cedar::Cedar::new().expect("the policies read")),
            _ => Box::new(rego::Rego::new().expect("the policies read")),
        };
        // One engine for each thread, so that none waits for another.
        let shell =
            web::Data::new(std::cell::RefCell::new(Shell { engine, documents: documents.clone() }));
        App::new()
            .app_data(shell)
            .service(web::resource("/v1/verifications").route(web::post().to(verify)))
    });
    let server = server
        .workers(std::thread::available_parallelism().map_or(1, usize::from))
        .listen(listener)?
        .run();
    actix_web::rt::System::new().block_on(server)?;
    Ok(())
}
