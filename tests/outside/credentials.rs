//! A licence as another State gets it: a file, a code on paper, keys and a status list.
use super::tools;
use passavant::credential::Algorithm;
use passavant::credential::Claims;
use passavant::credential::KeySet;
use passavant::credential::Signer;
use passavant::credential::claims::Place;
use passavant::credential::claims::Status;
use passavant::credential::opened::sign_jws;
use passavant::credential::opened::sign_paper;
use passavant::credential::status;
use passavant::credential::status::Standing;
use passavant::credential::status::Times;
use passavant::demo;
use passavant::signing::SoftKey;
use passavant::wire::qr;
use serde_json::Value;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

const ISSUER: &str = "https://licences.fr.example";
const LIST: &str = "https://licences.fr.example/v1/status-lists/0";

/// Whether the sample export licence reads everywhere; also that it is as realistic as the sample is.
struct Papers {
    dir: TempDir,
    paper: String,
}

fn papers(algorithm: Algorithm) -> Papers {
    let dir = TempDir::new().unwrap();
    let signer = SoftKey::new(algorithm, &[11; 32]).unwrap();
    let licence = demo::licences("2026-11-23".parse().unwrap()).swap_remove(0);
    let now = i64::try_from(
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs(),
    )
    .unwrap();
    let claims = Claims {
        iss: ISSUER.to_owned(),
        sub: licence["number"].as_str().unwrap().to_owned(),
        iat: now,
        exp: Some(now + 1_000_000),
        status: Status { status_list: Place { idx: 77, uri: LIST.to_owned() } },
        licence_version: 1,
        licence,
    };
    let times = Times { iat: now, life_s: 86_400, ttl_s: 300 };
    let list = [(77, Standing::Suspended), (78, Standing::Invalid)];
    let paper = sign_paper(&claims, &signer).unwrap();
    let write = |name: &str, text: String| std::fs::write(dir.path().join(name), text).unwrap();
    write("issuer", ISSUER.to_owned());
    write("jwks.json", KeySet::new(vec![signer.public().clone()]).jwks().to_string());
    write("licence.jwt", sign_jws(&claims, &signer).unwrap());
    write("licence.txt", paper.clone());
    write("status.jwt", status::sign(LIST, &list, times, &signer).unwrap());
    Papers { dir, paper }
}

#[test]
fn python_reads_files_and_paper_and_refuses_altered_ones() {
    for algorithm in Algorithm::ALL {
        let Some(mut python) = tools::python("jwt, cwt") else { return };
        let papers = papers(algorithm);
        let output = python.arg(tools::script("credentials.py")).arg(papers.dir.path());
        let said: Value = serde_json::from_str(&tools::said(&output.output().unwrap())).unwrap();
        assert_eq!(said["jwt"], "FR-EXP-2026-000412", "{said}");
        assert_eq!(said["cwt"], "FR-EXP-2026-000412");
        assert_eq!(said["standing"], 2, "suspended");
        assert_eq!(said["refused"], serde_json::json!([200, 200]), "{algorithm:?}");
    }
}

#[test]
fn jose_reads_files_and_refuses_altered_ones() {
    for algorithm in Algorithm::ALL {
        let Some(mut node) = tools::node("credentials.mjs") else { return };
        let papers = papers(algorithm);
        let output = node.arg(papers.dir.path()).output().unwrap();
        let said: Value = serde_json::from_str(&tools::said(&output)).unwrap();
        assert_eq!((&said["jwt"], &said["bits"]), (&"FR-EXP-2026-000412".into(), &2.into()));
        assert_eq!(said["refused"], 200, "{algorithm:?}");
    }
}

/// What an ordinary decoder reads in a picture. Of all kinds of codes it would now and then take some of the
/// modules for a row of bars as well.
fn scanned(picture: &Path) -> String {
    let mut decoder = Command::new("zbarimg");
    decoder.args(["--quiet", "--raw", "-Sdisable", "-Sqrcode.enable"]).arg(picture);
    let output = decoder.output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim_end_matches('\n').to_owned()
}

#[test]
fn a_code_on_paper_is_read_from_a_picture_shrunk_and_turned() {
    let (Some(_), Some(_)) = (tools::program("zbarimg", "--version"), tools::python("PIL")) else {
        return;
    };
    let Some(_) = tools::program("rsvg-convert", "--version") else { return };
    for algorithm in Algorithm::ALL {
        let papers = papers(algorithm);
        let file = |name: &str| papers.dir.path().join(name);
        std::fs::write(file("code.svg"), qr::paper_svg(&papers.paper).unwrap()).unwrap();
        std::fs::write(file("code.png"), qr::paper_png(&papers.paper).unwrap()).unwrap();
        let mut draw = Command::new("rsvg-convert");
        draw.args(["--width", "1200", "--output"]).arg(file("drawn.png")).arg(file("code.svg"));
        assert!(draw.status().unwrap().success());
        for source in ["drawn.png", "code.png"] {
            assert_eq!(scanned(&file(source)), papers.paper, "{source}");
            for (scale, degrees) in
                [("0.6", "0"), ("0.8", "7"), ("0.7", "-12"), ("1", "90"), ("0.9", "183")]
            {
                let mut turn = tools::python("PIL").unwrap();
                turn.arg(tools::script("picture.py")).arg(file(source)).arg(file("seen.png"));
                assert!(turn.args([scale, degrees]).status().unwrap().success());
                let read = scanned(&file("seen.png"));
                assert_eq!(read, papers.paper, "{source} at {scale}, turned by {degrees}");
            }
        }
    }
}
