//! `serve` and `health`.
use super::Failed;
use super::complain;
use super::say;
use actix_web::web;
use passavant::app::Access;
use passavant::app::App;
use passavant::clock::SystemClock;
use passavant::clock::SystemIds;
use passavant::config::Config;
use passavant::http::Server;
use passavant::telemetry;
use passavant::worker::Tasks;
use std::process::ExitCode;
use std::sync::Arc;
use tokio::signal::unix::SignalKind;
use tokio::signal::unix::signal;

/// Runs the service until it is told to stop.
pub(crate) fn serve(config: Config) -> Result<ExitCode, Failed> {
    telemetry::start(&config.log)?;
    run(
        config,
        |_| {},
        |server| {
            say(&format!("the API listens on {}, operations on {}", server.api, server.operations));
            Ok(())
        },
    )
}

/// Runs a service; `prepare` may still change it, and `ready` is told once it listens.
pub(crate) fn run(
    config: Config,
    prepare: impl FnOnce(&mut App),
    ready: impl FnOnce(&Server) -> Result<(), Failed>,
) -> Result<ExitCode, Failed> {
    actix_web::rt::System::new().block_on(async move {
        let clock = Arc::new(SystemClock);
        let access = Access::new(&config, clock.clone())?;
        let mut app = App::open(config, clock, Arc::new(SystemIds), access)?;
        prepare(&mut app);
        let app = Arc::new(app);
        let tasks = Tasks::start(&app);
        let server = Server::bind(web::Data::from(Arc::clone(&app)))?;
        ready(&server)?;
        let (running, stop) = server.start()?;
        let mut terminated = signal(SignalKind::terminate())?;
        let mut interrupted = signal(SignalKind::interrupt())?;
        let told = async {
            futures_util::future::select(Box::pin(terminated.recv()), Box::pin(interrupted.recv()))
                .await;
            tracing::info!("told to stop: finishing what is in flight");
            stop.stop().await;
        };
        let (ended, ()) = futures_util::future::join(running, told).await;
        tasks.stop();
        // Everything that was taken in is recorded and answered before the process ends.
        app.recorder.stop();
        app.write_down();
        tracing::info!("stopped");
        ended?;
        Ok(ExitCode::SUCCESS)
    })
}

/// Asks the running service whether it is well.
pub(crate) fn health(config: &Config) -> Result<ExitCode, Failed> {
    let address = config.http.ops_listen;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let asked = runtime.block_on(async {
        passavant::outbound::client()?.get(format!("http://{address}/readyz")).send().await
    });
    match asked {
        Ok(response) if response.status().is_success() => {
            say("ready");
            Ok(ExitCode::SUCCESS)
        }
        Ok(response) => {
            complain(&format!("{address}: {}", response.status()));
            Ok(ExitCode::FAILURE)
        }
        Err(error) => Err(error.into()),
    }
}
