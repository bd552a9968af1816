-- The ids of removed users, by the names they had.
CREATE TABLE IF NOT EXISTS removed (
    id VARCHAR(32) NOT NULL PRIMARY KEY,
    username VARCHAR(64) NOT NULL,
    removed_at BIGINT NOT NULL,
    INDEX removed_by_username (username)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
