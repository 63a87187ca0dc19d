-- The tables of PostfixAdmin 3.3 that Postfix asks, as its setup makes them on MySQL (model.sql and upgrade.php).
CREATE TABLE domain (
  domain varchar(255) NOT NULL, description varchar(255) CHARACTER SET utf8 NOT NULL, aliases int(10) NOT NULL DEFAULT 0,
  mailboxes int(10) NOT NULL DEFAULT 0, maxquota bigint(20) NOT NULL DEFAULT 0, quota bigint(20) NOT NULL DEFAULT 0,
  transport varchar(255) NOT NULL, backupmx tinyint(1) NOT NULL DEFAULT 0,
  created datetime NOT NULL DEFAULT '2000-01-01 00:00:00', modified datetime NOT NULL DEFAULT '2000-01-01 00:00:00',
  active tinyint(1) NOT NULL DEFAULT 1, password_expiry int(11) DEFAULT 0, PRIMARY KEY (domain)
) CHARACTER SET latin1;
CREATE TABLE alias (
  address varchar(255) NOT NULL, goto text NOT NULL, domain varchar(255) NOT NULL,
  created datetime NOT NULL DEFAULT '2000-01-01 00:00:00', modified datetime NOT NULL DEFAULT '2000-01-01 00:00:00',
  active tinyint(1) NOT NULL DEFAULT 1, PRIMARY KEY (address), KEY domain (domain)
) CHARACTER SET latin1;
CREATE TABLE alias_domain (
  alias_domain varchar(255) NOT NULL, target_domain varchar(255) NOT NULL,
  created datetime NOT NULL DEFAULT '2000-01-01 00:00:00', modified datetime NOT NULL DEFAULT '2000-01-01 00:00:00',
  active tinyint(1) NOT NULL DEFAULT 1, PRIMARY KEY (alias_domain), KEY active (active), KEY target_domain (target_domain)
) CHARACTER SET latin1;
CREATE TABLE mailbox (
  username varchar(255) NOT NULL, password varchar(255) NOT NULL, name varchar(255) CHARACTER SET utf8 NOT NULL,
  maildir varchar(255) NOT NULL, quota bigint(20) NOT NULL DEFAULT 0, local_part varchar(255) NOT NULL,
  domain varchar(255) NOT NULL, created datetime NOT NULL DEFAULT '2000-01-01 00:00:00',
  modified datetime NOT NULL DEFAULT '2000-01-01 00:00:00', active tinyint(1) NOT NULL DEFAULT 1,
  phone varchar(30) CHARACTER SET utf8 NOT NULL DEFAULT '', email_other varchar(255) CHARACTER SET utf8 NOT NULL DEFAULT '',
  token varchar(255) CHARACTER SET utf8 NOT NULL DEFAULT '', token_validity datetime NOT NULL DEFAULT '2000-01-01 00:00:00',
  password_expiry datetime NOT NULL DEFAULT '2000-01-01 00:00:00', PRIMARY KEY (username), KEY domain (domain)
) CHARACTER SET latin1;
