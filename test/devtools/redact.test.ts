import { expect, it } from 'vitest'
import { redacted } from '../../src/devtools/redact.js'

const JWT = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.abc-DEF_123'

it.each([
  ['a JWT', `refused ${JWT}`, 'refused [redacted]'],
  ['a bearer header', 'Authorization: Bearer abc.def-1', 'abc'],
  ['a token by its name', 'token=s3cret', 's3cret'],
  ['a token in JSON', '{"access_token":"s3cret","x":1}', 's3cret'],
  ['a password', "password: 'hunter2'", 'hunter2'],
  ['an API key', 'x-api-key=k1', 'k1'],
  ['the query of a URL', 'could not dial wss://live.test/live?ticket=abc now', 'ticket'],
  ['the user of a URL', 'wss://ada:pw@live.test/live', 'ada'],
  ['a long key without a name', 'got 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08', '9f86'],
])('hides %s', (_, text, secret) => {
  const clean = redacted(text)
  if (secret.includes('[redacted]')) expect(clean).toBe(secret)
  else expect(clean).not.toContain(secret)
})

it.each([
  'handed-over',
  'the server did not select the subprotocol livesocket.v1',
  'wss://live.test/live',
  'Path? allowedOrigins (http://localhost:5173)? Run npx livesocket doctor',
  'the token service could not be reached',
  'V1StGXR8_Z5jdHi6B-myT',
  '',
])('leaves %j as it is', (text) => expect(redacted(text)).toBe(text))

it('shortens long texts', () => expect(redacted('no '.repeat(1_000)).length).toBeLessThan(310))
