import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { ROOT } from '../kit/source-files.js'

const rows = [...readFileSync(join(ROOT, 'SECURITY.md'), 'utf8').matchAll(/^\| ([A-Z].+?) \| (`test\/.+?) \|$/gm)].map(
  ([, promise = '', shown = '']) => ({ promise, files: [...shown.matchAll(/`(.+?)`/g)].map(([, file = '']) => file) }),
)

it('each promise of SECURITY.md names tests that are there', () => {
  expect(rows.length).toBeGreaterThan(10)
  expect(rows.flatMap(({ files }) => files).filter((file) => !existsSync(join(ROOT, file)))).toEqual([])
})
