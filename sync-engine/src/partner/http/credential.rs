//! What a request shows to prove who we are.

use super::client::Line;
use super::token::{MASK, Token, TokenError, Tokens, basic, carried};
use super::vault::Vault;
use crate::clock::Clock;
use crate::partner::Secret;
use crate::partner::config::{Auth, KeyPlace, Limits, TextOrSecret};
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use std::sync::Arc;

pub(crate) enum Credentials {
    None,
    Basic {
        username: TextOrSecret,
        password: TextOrSecret,
        vault: Arc<Vault>,
    },
    Key {
        value: TextOrSecret,
        place: KeyPlace,
        vault: Arc<Vault>,
    },
    Tokens(Box<Tokens>),
}

/// What one request carries.
#[derive(Clone, PartialEq)]
pub(crate) enum Carried {
    Nothing,
    Header(HeaderName, HeaderValue),
    Query(String, String),
}

/// What a request carried, and the token in it.
pub(crate) struct Shown {
    pub carried: Carried,
    token: Option<Token>,
}

impl Credentials {
    pub fn new(auth: Auth, line: Line, limits: &Limits, clock: Arc<dyn Clock>, vault: Arc<Vault>) -> Self {
        match auth {
            Auth::None => Self::None,
            Auth::Basic { username, password } => Self::Basic {
                username,
                password,
                vault,
            },
            Auth::Key { value, place } => Self::Key { value, place, vault },
            Auth::OAuth2(auth) => Self::Tokens(Box::new(Tokens::new(*auth, line, limits.token, clock, vault))),
        }
    }

    /// # Errors
    /// Why there is none.
    pub async fn get(&self) -> Result<Shown, TokenError> {
        match self {
            Self::Tokens(tokens) => shown(tokens, tokens.get().await?),
            Self::None | Self::Basic { .. } | Self::Key { .. } => self.fixed(),
        }
    }

    /// Others in place of those that the partner refused with `status`; `None` when there are none.
    ///
    /// # Errors
    /// Why there are no new ones.
    pub async fn others(&self, refused: &Shown, status: u16) -> Result<Option<Shown>, TokenError> {
        match (self, &refused.token) {
            (Self::Tokens(tokens), Some(token)) => match tokens.refused(token, status).await? {
                Some(token) => shown(tokens, token).map(Some),
                None => Ok(None),
            },
            (Self::Basic { vault, .. } | Self::Key { vault, .. }, _) if status == 401 => {
                // The secret may have been changed in the store.
                vault.forget();
                let fresh = self.fixed()?;
                Ok((fresh.carried != refused.carried).then_some(fresh))
            }
            (Self::None | Self::Basic { .. } | Self::Key { .. } | Self::Tokens(_), _) => Ok(None),
        }
    }

    /// The partner refused what `others` gave, too.
    pub async fn refused_again(&self, shown: &Shown) {
        if let (Self::Tokens(tokens), Some(token)) = (self, &shown.token) {
            tokens.refused_again(token).await;
        }
    }

    /// What a request carries, without the secret: nothing is fetched for it.
    ///
    /// # Errors
    /// When the configured header is none.
    pub fn masked(&self) -> Result<Carried, TokenError> {
        let mask = Secret::new(MASK.to_owned());
        Ok(match self {
            Self::None => Carried::Nothing,
            Self::Basic { .. } => header(carried("authorization", "Basic ", &mask)?),
            Self::Key { place, .. } => match place {
                KeyPlace::Header { name, prefix } => header(carried(name, prefix, &mask)?),
                KeyPlace::Query(name) => Carried::Query(name.clone(), MASK.to_owned()),
            },
            Self::Tokens(tokens) => header(tokens.masked_header()?),
        })
    }

    fn fixed(&self) -> Result<Shown, TokenError> {
        let carried = match self {
            Self::None | Self::Tokens(_) => Carried::Nothing,
            Self::Basic {
                username,
                password,
                vault,
            } => {
                let (username, password) = (vault.read(username)?, vault.read(password)?);
                Carried::Header(AUTHORIZATION, basic(username.expose(), password.expose(), vault)?)
            }
            Self::Key { value, place, vault } => {
                let value = vault.read(value)?;
                match place {
                    KeyPlace::Header { name, prefix } => {
                        let (name, value) = carried(name, prefix, &value)?;
                        Carried::Header(name, value)
                    }
                    KeyPlace::Query(name) => Carried::Query(name.clone(), value.expose().to_owned()),
                }
            }
        };
        Ok(Shown { carried, token: None })
    }
}

fn header((name, value): (HeaderName, HeaderValue)) -> Carried {
    Carried::Header(name, value)
}

fn shown(tokens: &Tokens, token: Token) -> Result<Shown, TokenError> {
    let (name, value) = tokens.header(&token)?;
    Ok(Shown {
        carried: Carried::Header(name, value),
        token: Some(token),
    })
}
