//! Errors as answers.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use llm_trading_db::{Error, repo::accounts::TransferError};
use serde_json::json;

/// What a route returns: JSON, or an error with its status.
pub(crate) type Answer<T> = Result<Json<T>, Refusal>;

/// An error of the library on its way to the client. Its text repeats no row value and no password.
pub(crate) struct Refusal {
    status: StatusCode,
    why: String,
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let status = StatusCode::from_u16(checked_pg::http::status(&error));
        Self {
            status: status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            why: error.to_string(),
        }
    }
}

impl From<TransferError> for Refusal {
    fn from(error: TransferError) -> Self {
        let status = match error {
            TransferError::Db(error) => return error.into(),
            TransferError::UnknownAccount { .. } => StatusCode::NOT_FOUND,
            TransferError::InsufficientFunds { .. } => StatusCode::CONFLICT,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        };
        Self {
            status,
            why: error.to_string(),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, Json(json!({ "error": self.why }))).into_response()
    }
}
