import { describe, expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { conformance, type Finding } from '../../src/cli/conformance.js'
import type { WireSocketClass } from '../../src/cli/wire.js'
import { liveServer } from '../server/kit.js'
import { defective, defects, slowDefect, type Defect } from './defects.js'

const TOKEN = 'the right token'

async function examine(defect: Defect | null, { slow = false, patience = 2_000, only = '' } = {}): Promise<Finding[]> {
  const server = await liveServer({ authenticate: ({ token }) => (token === TOKEN ? { subject: 'ada', tokenTtl: 600_000 } : null), limits: { maxFrame: 65_536 } as never })
  const wrapper = defect && (await defective(server.address(), defect))
  if (wrapper) onTestFinished(() => wrapper.close())
  return conformance({
    url: wrapper?.url ?? server.address(),
    WebSocket: WebSocket as unknown as WireSocketClass,
    token: TOKEN,
    slow,
    only,
    patience,
    drain: async (deadline) => void (await server.drain({ deadline })),
  })
}

const failed = (findings: Finding[]) => findings.filter(({ verdict }) => verdict === 'fails')

describe('the conformance kit', () => {
  it('finds nothing wrong with our own server, and says what could not be tried', { timeout: 60_000 }, async () => {
    const findings = await examine(null, { slow: true })
    expect(failed(findings)).toEqual([])
    expect(findings.filter(({ verdict }) => verdict === 'holds').length).toBeGreaterThanOrEqual(25)
    expect(findings.filter(({ verdict }) => verdict === 'untried').map(({ rule }) => rule).filter((rule) => rule.startsWith('server'))).toEqual(['server rule 3', 'server rule 8', 'server rule 9'])
  })

  it('knows at least 20 ways to break the rules', () => {
    expect(defects.length).toBeGreaterThanOrEqual(20)
  })

  it.each(defects.map((defect) => [defect.name, defect] as const))('finds a server that %s', async (_name, defect) => {
    const found = failed(await examine(defect, { patience: 500, only: defect.finds }))
    expect(found.map(({ title }) => title)).toEqual([expect.stringContaining(defect.finds) as string])
  })

  it('finds a server that waits for a hello for ever', { timeout: 60_000 }, async () => {
    const found = failed(await examine(slowDefect, { slow: true, patience: 300, only: 'closes with 3008' }))
    expect(found.map(({ title }) => title)).toContain('closes with 3008 what has not said hello within 10 s')
  })

  it('says what cannot be tried without a token and without a way to drain', async () => {
    const server = await liveServer()
    const findings = await conformance({ url: server.address(), WebSocket: WebSocket as unknown as WireSocketClass, slow: false })
    expect(failed(findings)).toEqual([])
    expect(findings.filter(({ verdict, why }) => verdict === 'untried' && /--drain|token/.test(why!))).toHaveLength(6)
  })
})
