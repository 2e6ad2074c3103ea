import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import {
  installRuntimes,
  seenAfterAbsence,
  seenInFragments,
  seenInMoves,
  seenInReturn,
} from '../../bench/runtimes/run-runtimes.js'
import { RUNTIMES, type Runtime } from '../../bench/runtimes/runtime.js'

// `npm run runtimes` is the whole of it.
const here: Runtime = { name: `Node ${process.versions.node}`, package: '', command: [process.execPath] }
const [major] = process.versions.node.split('.')
const others = RUNTIMES.filter(({ name }) => !name.startsWith(`Node ${major}.`))
const folder = mkdtempSync(join(tmpdir(), 'livesocket-runtimes-'))
const few = { moves: 5, rate: 500, kept: 11_000 }
const right = { lost: 0, repeated: 0, reordered: 0, gaps: 0, notLive: 0, refused: 0, reconnects: 0 }

beforeAll(() => {
  installRuntimes(folder, inject('packed').tarball, others)
}, 180_000)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe.each(others.map((runtime) => [runtime.name, runtime] as const))('on %s', (_name, runtime) => {
  it('a server is replaced again and again, and its client on Node misses nothing', { timeout: 60_000 }, async () => {
    expect(await seenInMoves(folder, runtime, here, few)).toMatchObject({ ...right, handovers: few.moves })
  })
  it('a client misses nothing while its server on Node is replaced', { timeout: 60_000 }, async () => {
    const seen = await seenInMoves(folder, here, runtime, few)
    expect(seen).toMatchObject({ ...right, handovers: few.moves, echoed: seen.published })
  })
  it('a message in very many fragments is refused or costs only its bytes; one that is too large in all is refused', async () => {
    const { many, tooLarge, grown } = await seenInFragments(folder, runtime, 100_000)
    expect([many, tooLarge]).toEqual([runtime.name.startsWith('Bun') ? 'welcome' : 'closed', 'closed'])
    expect(grown).toBeLessThan(32 * 2 ** 20)
  })
  it('its own WebSocket class is enough: a refused dial is reported, and a client comes back to a killed or closing server', {
    timeout: 60_000,
  }, async () => {
    const { ownSocket, refused, ...took } = await seenInReturn(folder, runtime)
    expect({ ownSocket, refused }).toEqual({ ownSocket: true, refused: 'unreachable' })
    for (const ms of Object.values(took)) expect(ms).toBeLessThan(5_000)
  })
  it('a client that comes back for 11 MB and reads slowly gets all of it and is never cut', {
    timeout: 90_000,
  }, async () => {
    expect(await seenAfterAbsence(folder, runtime, here, few)).toMatchObject({ ...right, seen: few.kept })
  })
})
