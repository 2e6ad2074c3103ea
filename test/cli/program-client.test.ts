import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { clientConformance } from '../../src/cli/client-conformance.js'
import type { ClientWord, SocketServer } from '../../src/cli/client-stage.js'
import { programClient } from '../../src/cli/program-client.js'
import { until } from '../kit/wait.js'

it('reads what a client program reports, and ignores what it logs', async () => {
  const lines = [
    'ready',
    '{"message":null}',
    '{"level":"info","message":"connected"}',
    '{"message":{"offset":"5"}}',
    '{"gap":null}',
    '{"gap":{"from":1}}',
    '{"settled":1}',
    '[]',
    '7',
    '{"message":{"offset":1,"data":{"a":1}}}',
    '{"gap":{"from":null,"to":3}}',
    '{"settled":{"data":1,"offset":2}}',
  ]
  const folder = mkdtempSync(join(tmpdir(), 'livesocket-client-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'said'), `${lines.join('\n')}\n`)
  const client = await programClient(`cat ${join(folder, 'said')} -`)('ws://h', 't')
  onTestFinished(() => client.end())
  const words: ClientWord[] = []
  client.on((word) => words.push(word))
  await until(() => words.length >= 3, 5_000, 'the program to have said it all')
  expect(words).toEqual([
    { message: { offset: 1, data: { a: 1 } } },
    { gap: { from: null, to: 3 } },
    { settled: { data: 1, offset: 2 } },
  ])
})

it('does not wait for a client program that has ended, and names its exit code', async () => {
  const serve = async () =>
    ({ on: () => undefined, address: () => ({ port: 1 }), close: () => undefined }) as SocketServer
  const start = programClient('exit 7')
  const [finding] = await clientConformance({ start, serve, patience: 10_000, only: 'delivers each offset once' })
  expect(finding).toMatchObject({ verdict: 'fails', why: 'the client should dial: the client has ended with 7' })
})
