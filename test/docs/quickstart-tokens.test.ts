import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { ROOT } from '../kit/source-files.js'

/** Of the quickstart's server, as it is written there. */
function tokens() {
  const page = readFileSync(join(ROOT, 'docs/quickstart.md'), 'utf8')
  const [code] = /^const TTL[^]*?(?=^const http)/m.exec(page)!
  const given = { createHmac, randomUUID, timingSafeEqual }
  return new Function(...Object.keys(given), `${code}\nreturn { newToken, authenticate }`)(...Object.values(given)) as {
    newToken(): { token: string }
    authenticate(hello: { token?: string }): { subject: string } | null
  }
}

it('the quickstart takes its own tokens, and says no to all others, whatever is in them', () => {
  const { newToken, authenticate } = tokens()
  const { token } = newToken()
  const [subject, until, seal] = token.split('.')
  expect(authenticate({ token })).toMatchObject({ subject })
  for (const other of [
    undefined,
    '',
    '..',
    `${subject}.${until}`,
    `${subject}.${until}.${seal}x`,
    `root.${until}.${seal}`,
    `${subject}.${until}.${'é'.repeat(seal!.length)}`,
  ])
    expect(authenticate({ token: other })).toBeNull()
})
