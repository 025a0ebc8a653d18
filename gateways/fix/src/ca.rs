//! A certificate authority for local use, made on the first start and kept in the data folder.
//!
//! `tls/ca.pem` is what clients must trust (for Python: `SSL_CERT_FILE`); `tls/ca.key` signs the server's certificate, which is made anew at
//! every start and lives in memory alone. Whoever brings a certificate of their own puts `tls/server.pem` and `tls/server.key` there.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("{path}: {error}; the data folder must be writable")]
    File {
        path: PathBuf,
        error: std::io::Error,
    },
    #[error(
        "the certificate cannot be made: {0}; remove tls/ca.pem and tls/ca.key to have the authority made anew"
    )]
    Make(#[from] rcgen::Error),
    #[error("{path} holds no certificate or key in PEM: {error}")]
    Pem {
        path: PathBuf,
        error: rustls::pki_types::pem::Error,
    },
    #[error("the certificate and its key do not fit: {0}")]
    Config(#[from] rustls::Error),
}

fn read(path: &Path) -> Result<Option<String>, TlsError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(TlsError::File {
            path: path.into(),
            error,
        }),
    }
}

/// Writes a file that only the owner may read, whole or not at all.
fn write(path: &Path, text: &str) -> Result<(), TlsError> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let next = path.with_extension("new");
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    options
        .open(&next)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())
                .and_then(|()| file.sync_all())
        })
        .and_then(|()| std::fs::rename(&next, path))
        .map_err(|error| TlsError::File {
            path: path.into(),
            error,
        })
}

fn authority_params() -> Result<CertificateParams, TlsError> {
    let mut params = CertificateParams::new(Vec::<String>::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
        .distinguished_name
        .push(DnType::CommonName, "Highwater local authority");
    Ok(params)
}

/// The authority's key. Its certificate says nothing but [`authority_params`], and need not be read.
fn authority(folder: &Path) -> Result<KeyPair, TlsError> {
    let (pem_path, key_path) = (folder.join("ca.pem"), folder.join("ca.key"));
    if let (Some(_), Some(key)) = (read(&pem_path)?, read(&key_path)?) {
        return Ok(KeyPair::from_pem(&key)?);
    }
    std::fs::create_dir_all(folder).map_err(|error| TlsError::File {
        path: folder.into(),
        error,
    })?;
    let key = KeyPair::generate()?;
    let pem = authority_params()?.self_signed(&key)?.pem();
    write(&key_path, &key.serialize_pem())?;
    write(&pem_path, &pem)?;
    Ok(key)
}

/// Where clients find the authority's certificate.
#[must_use]
pub fn authority_path(data: &Path) -> PathBuf {
    data.join("tls").join("ca.pem")
}

/// TLS for a server that is called `localhost` or by one of these addresses.
///
/// # Errors
/// [`TlsError`].
pub fn server_config(data: &Path, addresses: &[IpAddr]) -> Result<Arc<ServerConfig>, TlsError> {
    let folder = data.join("tls");
    let (own_pem, own_key) = (folder.join("server.pem"), folder.join("server.key"));
    let (chain, key) = match (read(&own_pem)?, read(&own_key)?) {
        (Some(pem), Some(key)) => {
            let bad = |path: &PathBuf| {
                let path = path.clone();
                move |error| TlsError::Pem { path, error }
            };
            let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
            let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(bad(&own_key))?;
            (chain.map_err(bad(&own_pem))?, key)
        }
        _ => issue(&folder, addresses)?,
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    Ok(Arc::new(config))
}

type Issued = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn issue(folder: &Path, addresses: &[IpAddr]) -> Result<Issued, TlsError> {
    let issuer = Issuer::new(authority_params()?, authority(folder)?);
    let mut names = vec![
        "localhost".to_owned(),
        "127.0.0.1".to_owned(),
        "::1".to_owned(),
    ];
    names.extend(addresses.iter().map(IpAddr::to_string));
    names.sort();
    names.dedup();
    let mut params = CertificateParams::new(names)?;
    params
        .distinguished_name
        .push(DnType::CommonName, "Highwater");
    params.use_authority_key_identifier_extension = true;
    params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, &issuer)?;
    let key = PrivateKeyDer::try_from(key.serialize_der())
        .map_err(|why| TlsError::Config(rustls::Error::General(why.to_owned())))?;
    Ok((vec![certificate.der().clone()], key))
}
