//! The client's certificate: a job's `cert` and `key` files, for servers that ask for one.

use std::path::Path;
use std::sync::Arc;

use tokio_rustls::rustls::client::WantsClientCert;
use tokio_rustls::rustls::crypto::CryptoProvider;
use tokio_rustls::rustls::pki_types::pem::{Error as PemError, PemObject as _};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::sign::{CertifiedKey, SigningKey, SingleCertAndKey};
use tokio_rustls::rustls::{ClientConfig, ConfigBuilder};

use scenario_core::scenario::model::ClientCert;

use super::tls_error::config_error;
use crate::io::http::blocking::{looked_for, run_blocking};
use crate::io::http::error::FetchError;

/// A configuration with the client's certificate. The error names the file, and contains nothing of the
/// key.
pub(super) async fn with_client_cert(
    config: ConfigBuilder<ClientConfig, WantsClientCert>,
    provider: &CryptoProvider,
    folder: &Path,
    ClientCert { cert, key }: &ClientCert,
) -> Result<ClientConfig, FetchError> {
    let (cert_shown, key_shown) = (cert.display(), key.display());
    let pem = read_file(folder, cert)
        .await
        .map_err(|error| config_error(format!("cert = \"{cert_shown}\": {error}")))?;
    let chain: Result<Vec<CertificateDer<'static>>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let chain =
        chain.map_err(|error| config_error(format!("cert = \"{cert_shown}\" is not a PEM file: {error}")))?;
    if chain.is_empty() {
        return Err(config_error(format!("cert = \"{cert_shown}\" contains no certificate")));
    }
    let pem = read_file(folder, key)
        .await
        .map_err(|error| config_error(format!("key = \"{key_shown}\": {error}")))?;
    let private = PrivateKeyDer::from_pem_slice(&pem).map_err(|error| {
        config_error(match error {
            PemError::NoItemsFound => {
                format!("key = \"{key_shown}\" contains no private key that is not encrypted")
            }
            error => format!("key = \"{key_shown}\" is not a PEM file: {error}"),
        })
    })?;
    let key = provider
        .key_provider
        .load_private_key(private)
        .map_err(|error| config_error(format!("key = \"{key_shown}\" cannot be used: {error}")))?;
    if !is_key_of(&*key, &chain[0]) {
        return Err(config_error(format!("key = \"{key_shown}\" is not the key of cert = \"{cert_shown}\"")));
    }
    let own = SingleCertAndKey::from(CertifiedKey::new(chain, key));
    Ok(config.with_client_cert_resolver(Arc::new(own)))
}

/// Whether a certificate contains the public half of a key. It need not be one that servers could have: the
/// server decides what it takes, and takes certificates of version 1, too.
fn is_key_of(key: &dyn SigningKey, cert: &CertificateDer<'_>) -> bool {
    key.public_key().is_none_or(|public| memchr::memmem::find(cert, &public).is_some())
}

/// The content of a file. The error says where the file was looked for.
pub(super) async fn read_file(folder: &Path, path: &Path) -> Result<Vec<u8>, String> {
    let file = folder.join(path);
    let read = file.clone();
    run_blocking(|| std::fs::read(read)).await.map_err(|error| format!("{error}{}", looked_for(path, &file)))
}
