//! The data directory, once it is free.

use crate::data_dir::{DataDir, DataDirError, Holder};
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// How long a command that has the data directory is waited for, such as one of vigocli while the server starts again.
const COMMAND_MAX: Duration = Duration::from_secs(30);

/// Time between two looks whether it has ended.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Takes the data directory. A command that works there is waited for; a server is not.
pub(super) async fn claim(take: impl Fn() -> Result<DataDir, DataDirError>) -> Result<DataDir, DataDirError> {
    let since = Instant::now();
    let mut told = false;
    loop {
        match take() {
            Err(error @ DataDirError::Locked { holder: Holder::Command, .. }) if since.elapsed() < COMMAND_MAX => {
                if !told {
                    tracing::info!("{error}; it is waited for, {} s at most", COMMAND_MAX.as_secs());
                    told = true;
                }
                sleep(LOOK_EVERY).await;
            }
            taken => return taken,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> std::path::PathBuf {
        let path = std::env::temp_dir().join(format!("vigo-claim-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        path
    }

    #[tokio::test]
    async fn a_command_in_the_data_directory_is_waited_for_and_a_server_is_not() {
        let path = folder("waits");
        let command = DataDir::open(&path).unwrap();
        let ends = async {
            sleep(Duration::from_millis(300)).await;
            drop(command);
        };
        let (taken, ()) = tokio::join!(claim(|| DataDir::serve(&path)), ends);
        let server = taken.unwrap();
        let since = Instant::now();
        let refused = claim(|| DataDir::open(&path)).await.unwrap_err();
        let own = Some(std::process::id());
        assert!(matches!(refused, DataDirError::Locked { holder: Holder::Server, pid, .. } if pid == own), "{refused}");
        assert!(since.elapsed() < COMMAND_MAX / 2);
        drop(server);
        std::fs::remove_dir_all(&path).unwrap();
    }
}
