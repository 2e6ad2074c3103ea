import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { EXAMPLES, keepsItsPromises, program } from './example-server.js'

it.each(readdirSync(EXAMPLES))('%s can be read in a minute: at most sixty lines, with the new ones marked', (name) => {
  const text = readFileSync(join(EXAMPLES, name), 'utf8')
  expect(text.trimEnd().split('\n').length).toBeLessThanOrEqual(60)
  expect(text.match(/\(new\)/g)!.length).toBeGreaterThan(3)
})

describe('the example of a ws server', () => {
  keepsItsPromises({
    start: (epoch, stay) =>
      program(process.execPath, [join(EXAMPLES, 'ws.mjs')], { PORT: '0', EPOCH: epoch, DEADLINE: String(stay / 1.25) }),
    replays: true,
    code: 1012,
  })
})
