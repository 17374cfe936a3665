//! Verify and record as a function in PostgreSQL, driven by its own benchmark program: no HTTP, no
//! token and no tamper-evident log are in its way.
use crate::client::Failed;
use crate::runs::Material;
use crate::workload;
use diesel::Connection;
use diesel::PgConnection;
use diesel::QueryableByName;
use diesel::RunQueryDsl;
use diesel::connection::SimpleConnection;
use diesel::sql_types::BigInt;
use diesel::sql_types::Integer;
use diesel::sql_types::Text;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

const FUNCTION: &str = include_str!("plpgsql.sql");

#[derive(QueryableByName)]
struct Verdict {
    #[diesel(sql_type = Integer)]
    n: i32,
    #[diesel(sql_type = Text)]
    outcome: String,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

/// The function in its database.
pub struct InDatabase {
    url: String,
    script: PathBuf,
    done: u64,
}

impl InDatabase {
    /// Puts tables, function, licences and declarations into a database, and insists that the function
    /// gives the verdicts of the rules.
    pub fn prepare(url: &str, dir: &Path, material: &Material, pairs: u32) -> Result<Self, Failed> {
        let mut db = PgConnection::establish(url)?;
        db.batch_execute(FUNCTION)?;
        db.transaction(|db| {
            for number in 0..pairs {
                for document in workload::pair(material.today, number) {
                    diesel::sql_query("SELECT pl_import($1::jsonb)")
                        .bind::<Text, _>(document.to_string())
                        .execute(db)?;
                }
            }
            for (n, body) in (0_u32..).zip(&material.bodies) {
                let mut text = Vec::new();
                body.write(n % pairs, &mut text);
                diesel::sql_query("INSERT INTO pl_body VALUES ($1, $2)")
                    .bind::<Integer, _>(i32::try_from(n)?)
                    .bind::<Text, _>(String::from_utf8(text)?)
                    .execute(db)?;
            }
            Ok::<_, Failed>(())
        })?;
        db.batch_execute("ANALYZE pl_licence; ANALYZE pl_line; ANALYZE pl_body;")?;
        let verdicts: Vec<Verdict> =
            diesel::sql_query("SELECT n, pl_verify(body, 'officer') AS outcome FROM pl_body")
                .load(&mut db)?;
        for verdict in &verdicts {
            let expected = material.expected[0][usize::try_from(verdict.n)?];
            if expected.as_str() != verdict.outcome {
                return Err(format!(
                    "pl_verify: declaration {}: {} in place of {expected:?}",
                    verdict.n, verdict.outcome
                )
                .into());
            }
        }
        eprintln!("pl_verify gives the same {} verdicts", verdicts.len());
        std::fs::create_dir_all(dir)?;
        let script = dir.join("pl_verify.sql");
        let last = material.bodies.len() - 1;
        std::fs::write(
            &script,
            format!(
                "\\set n random(0, {last})\nSELECT pl_verify(body, 'officer') FROM pl_body WHERE n = :n;\n"
            ),
        )?;
        Ok(Self { url: url.to_owned(), script, done: u64::try_from(verdicts.len())? })
    }

    /// One round; gives transactions a second.
    pub fn run(&mut self, seconds: u32, clients: usize) -> Result<f64, Failed> {
        let output = Command::new("pgbench")
            .args(["--no-vacuum", "--protocol=prepared", "--jobs=2"])
            .args([format!("--client={clients}"), format!("--time={seconds}")])
            .arg("--file")
            .arg(&self.script)
            .arg(&self.url)
            .output()?;
        let said = String::from_utf8(output.stdout)?;
        let figure = |line: &str| {
            let found = said.lines().find_map(|said| said.strip_prefix(line));
            found.and_then(|rest| rest.split([' ', '/']).next()).ok_or_else(|| {
                format!("pgbench: {said} {}", String::from_utf8_lossy(&output.stderr))
            })
        };
        self.done += figure("number of transactions actually processed: ")?.parse::<u64>()?;
        let rate = figure("tps = ")?.parse()?;
        println!("{:28} {rate:9.0}/s", "PL/pgSQL under pgbench");
        Ok(rate)
    }

    /// Insists that everything that was answered is there.
    pub fn check(&self) -> Result<(), Failed> {
        let mut db = PgConnection::establish(&self.url)?;
        let count = diesel::sql_query(
            "SELECT count(*) AS n FROM pl_verification v JOIN pl_audit a ON a.verification = v.id",
        );
        let found = count.get_result::<Count>(&mut db)?.n;
        if u64::try_from(found)? == self.done {
            return Ok(());
        }
        Err(format!("NOT HONEST: {found} verdicts of pl_verify found, {} expected", self.done)
            .into())
    }
}
