import { describe, expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { conformance, type Finding } from '../../src/cli/conformance.js'
import type { FrameSocketClass } from '../../src/cli/frame-client.js'
import { memoryLog } from '../../src/server/index.js'
import { liveServer } from '../server/kit.js'
import { defective, defects, HIDDEN, RATE, slowDefect, type Defect } from './defects.js'

const TOKEN = 'the right token'

/** Tests our own server, with everything that makes rules testable, behind that defect. */
async function examine(defect: Defect | null, { slow = false, patience = 2_000, only = '' } = {}): Promise<Finding[]> {
  const log = memoryLog()
  const server = await liveServer({
    log,
    authenticate: ({ token }) => (token === TOKEN ? { subject: 'ada', tokenTtl: 600_000 } : null),
    filter: ({ data }) => data !== HIDDEN,
    limits: { maxFrame: 65_536 } as never,
  })
  const wrapper = defect && (await defective(server.address(), defect))
  if (wrapper) onTestFinished(() => wrapper.close())
  return conformance({
    url: wrapper?.url ?? server.address(),
    WebSocket: WebSocket as unknown as FrameSocketClass,
    token: TOKEN,
    slow,
    only,
    patience,
    rate: RATE,
    hidden: HIDDEN,
    lose: () => log.forget(),
    drain: async (deadline) => void (await server.drain({ deadline, rate: RATE })),
  })
}

const failed = (findings: Finding[]) => findings.filter(({ verdict }) => verdict === 'fails')

describe('the conformance kit', () => {
  it('tests every server rule, and finds nothing wrong with our own server', { timeout: 60_000 }, async () => {
    const findings = await examine(null, { slow: true })
    expect(findings.filter(({ verdict }) => verdict !== 'holds')).toEqual([])
    expect(findings.length).toBeGreaterThanOrEqual(34)
    const rules = new Set(findings.map(({ rule }) => rule).filter((rule) => rule.startsWith('server')))
    expect([...rules].sort()).toEqual(Array.from({ length: 9 }, (_, at) => `server rule ${at + 1}`))
  })

  it('is checked against at least 20 kinds of broken servers', () => {
    expect(defects.length).toBeGreaterThanOrEqual(20)
  })

  it.each(defects.map((defect) => [defect.name, defect] as const))('finds a server that %s', async (_name, defect) => {
    const found = failed(await examine(defect, { patience: 500, only: defect.finds }))
    expect(found.map(({ title }) => title)).toEqual([expect.stringContaining(defect.finds) as string])
  })

  it('finds a server that waits for a hello without a limit', { timeout: 60_000 }, async () => {
    const found = failed(await examine(slowDefect, { slow: true, patience: 300, only: 'closes with 3008' }))
    expect(found.map(({ title }) => title)).toContain('closes with 3008 a connection that sends no hello within 10 s')
  })

  it('names the option that each untested rule needs', async () => {
    const server = await liveServer()
    const findings = await conformance({
      url: server.address(),
      WebSocket: WebSocket as unknown as FrameSocketClass,
      slow: false,
    })
    expect(failed(findings)).toEqual([])
    const why = (rule: string) =>
      findings
        .filter((finding) => finding.verdict === 'untried' && finding.rule === rule)
        .map((finding) => /--\w+|token/.exec(finding.why!)?.[0])
    expect(
      Object.fromEntries(
        ['errors', 'auth', ...Array.from({ length: 9 }, (_, at) => `server rule ${at + 1}`)]
          .map((rule) => [rule, why(rule)])
          .filter(([, found]) => found!.length > 0),
      ),
    ).toEqual({
      errors: ['token'],
      auth: ['token'],
      'server rule 1': ['--drain'],
      'server rule 2': ['--drain', '--drain', '--drain'],
      'server rule 3': ['--drain'],
      'server rule 4': ['--lose'],
      'server rule 8': ['--lose'],
      'server rule 9': ['--hidden', '--hidden'],
    })
  })

  it('asks for --rate where a drain is given without it', async () => {
    const server = await liveServer()
    const [paced] = await conformance({
      url: server.address(),
      WebSocket: WebSocket as unknown as FrameSocketClass,
      only: 'server rule 3',
      drain: () => undefined,
    })
    expect(paced).toMatchObject({ verdict: 'untried', why: expect.stringContaining('--rate') as string })
  })

  it('tests a drain that has begun although its command fails', async () => {
    const server = await liveServer()
    const findings = await conformance({
      url: server.address(),
      WebSocket: WebSocket as unknown as FrameSocketClass,
      patience: 500,
      only: 'server rule 2',
      drain(deadline) {
        setImmediate(() => void server.drain({ deadline }))
        throw new Error('it ended with 1')
      },
    })
    expect(findings.map(({ verdict }) => verdict)).toEqual(['holds', 'holds', 'holds'])
  })

  it.each<[string, Partial<Parameters<typeof conformance>[0]>, string]>([
    [
      'a command that does not make the log lose its data',
      { only: 'server rule 8', lose: () => undefined },
      'still has its epoch',
    ],
    [
      'a command that fails',
      { only: 'server rule 8', lose: () => Promise.reject(new Error('it ended with 7')) },
      'it ended with 7',
    ],
    [
      'a drain whose command fails',
      { only: 'asks a leg to hand over', drain: () => Promise.reject(new Error('it ended with 127')) },
      'could not start the drain: it ended with 127',
    ],
    ['data that the server refuses', { only: 'server rule 9', hidden: 'no' }, 'accepts no message with the data "no"'],
  ])('does not blame the server for %s', async (_name, options, text) => {
    const server = await liveServer({ authorize: ({ data }) => data !== 'no' })
    const findings = await conformance({
      url: server.address(),
      WebSocket: WebSocket as unknown as FrameSocketClass,
      patience: 500,
      ...options,
    })
    expect(findings.map(({ verdict }) => verdict)).toEqual(findings.map(() => 'untried'))
    expect(findings[0]!.why).toContain(text)
  })

  it.each<[string, string | undefined, string]>([
    ['needs a token', undefined, 'It wants a token: give one with --token'],
    ['refuses the token', 'an old token', 'It does not accept the token'],
  ])('fails once and tests nothing else at a server that %s', async (_name, token, why) => {
    const server = await liveServer({
      authenticate: ({ token: given }) => (given === TOKEN ? { subject: 'ada' } : null),
    })
    const findings = await conformance({
      url: server.address(),
      WebSocket: WebSocket as unknown as FrameSocketClass,
      ...(token !== undefined && { token }),
    })
    expect(findings).toEqual([
      { rule: 'hello', title: 'welcomes a client', verdict: 'fails', why: expect.stringContaining(why) as string },
    ])
  })

  it('does not blame a server that accepts any token', async () => {
    const server = await liveServer()
    const findings = await conformance({
      url: server.address(),
      WebSocket: WebSocket as unknown as FrameSocketClass,
      token: 'whatever',
      only: 'a wrong token',
    })
    expect(findings).toMatchObject([{ verdict: 'untried', why: 'any token is accepted here' }])
  })

  it.each<[string, (asked: { action: string }) => boolean]>([
    ['subscribed to', () => false],
    ['published into', ({ action }) => action === 'subscribe'],
  ])('names the topic that must not be %s, and does not call that a broken rule', async (_name, authorize) => {
    const server = await liveServer({ authorize })
    const findings = await conformance({
      url: server.address(),
      WebSocket: WebSocket as unknown as FrameSocketClass,
      only: 'replays from a position',
      topic: 'health',
    })
    expect(findings).toMatchObject([
      { verdict: 'untried', why: expect.stringContaining('topics that begin with "health."') as string },
    ])
  })

  it('tests nothing where no WebSocket opens', async () => {
    const findings = await conformance({
      url: 'ws://127.0.0.1:9/',
      WebSocket: WebSocket as unknown as FrameSocketClass,
    })
    expect(findings).toEqual([
      {
        rule: 'transport',
        title: 'opens a WebSocket',
        verdict: 'fails',
        why: expect.stringContaining('the connection should open') as string,
      },
    ])
  })

  it.each(['null', '7', '"welcome"', '[]', '{}', '{"type":7}', 'no JSON'])(
    'survives a server that sends %s',
    async (said) => {
      const findings = await examine({ name: said, garbage: said }, { patience: 300, only: 'names the server' })
      expect(failed(findings)).toEqual([])
    },
  )
})
