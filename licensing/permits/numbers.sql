-- The numbers and the key of signing.sql alone, as text: for decisions without facts.
SELECT {signing}::text
