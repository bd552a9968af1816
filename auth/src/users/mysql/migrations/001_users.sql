-- The collation is binary: `alice`, `Alice` and `alicé` are three users.
CREATE TABLE IF NOT EXISTS users (
    id VARCHAR(32) NOT NULL PRIMARY KEY,
    username VARCHAR(64) NOT NULL UNIQUE,
    email VARCHAR(254) NOT NULL,
    password_hash VARCHAR(255) NOT NULL,
    isadmin BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    token_generation BIGINT NOT NULL DEFAULT 0,
    INDEX users_by_isadmin (isadmin)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
