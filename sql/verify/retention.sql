-- Verify accolade:retention on mysql

SELECT name, value
  FROM installation WHERE 1 = 0;
