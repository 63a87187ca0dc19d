-- The people of tests/stack/directory.py as PostfixAdmin keeps them: each mailbox has an alias to itself, a catch-all
-- is an alias @domain, and an alias domain stands for another.  A hash, of PASSWORD in test_directory.py, has no {SCHEME}.
INSERT INTO domain (domain, description, transport) VALUES
  ('ALL', '', ''), ('dir.test', '', 'virtual'), ('catch.test', '', 'virtual'), ('ali.test', '', 'virtual'),
  ('mirror.test', '', 'virtual'), ('closed.test', '', 'virtual');
UPDATE domain SET active = 0 WHERE domain = 'closed.test';
INSERT INTO mailbox (username, password, name, maildir, local_part, domain) VALUES
  ('anna@dir.test', '$6$232GucPKVXbq/ZpR$LZJPVWOLMZ5HWBgVLaLcE.tLs4sRlSaW9ACkPhoYJ.Aj8zBeOQckx1KqAfzVf0q7dyJ4ZGhashhitAOdgISZB1', '',
   'dir.test/anna/', 'anna', 'dir.test'), ('ben@dir.test', '', '', 'dir.test/ben/', 'ben', 'dir.test'),
  ('box@catch.test', '', '', 'catch.test/box/', 'box', 'catch.test');
INSERT INTO alias (address, goto, domain) VALUES
  ('anna@dir.test', 'anna@dir.test', 'dir.test'), ('ben@dir.test', 'ben@dir.test', 'dir.test'),
  ('box@catch.test', 'box@catch.test', 'catch.test'), ('@catch.test', 'anna@dir.test', 'catch.test'),
  ('sales@dir.test', 'anna@dir.test,ben@dir.test', 'dir.test'), ('team@ali.test', 'anna@dir.test', 'ali.test');
INSERT INTO alias_domain (alias_domain, target_domain) VALUES ('mirror.test', 'dir.test');
