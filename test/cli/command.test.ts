import { describe, expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { command } from '../../src/cli/command.js'
import { doctor } from '../../src/cli/doctor.js'
import type { FrameSocketClass } from '../../src/cli/frame-client.js'
import { memoryLog } from '../../src/server/index.js'
import { liveServer } from '../server/kit.js'
import { scripted } from '../presets/stage.js'
import { defective, type Defect } from './defects.js'

const Class = WebSocket as unknown as FrameSocketClass

async function run(
  words: string[],
  {
    shell = async () => undefined,
    environment = {},
    texts = () => ({}),
    clients,
    fetch,
  }: Partial<Parameters<typeof command>[1]> = {},
) {
  const lines: string[] = []
  const code = await command(words, {
    WebSocket: Class,
    environment,
    texts,
    clients,
    fetch,
    print: (line) => lines.push(line),
    shell,
  })
  return { code, text: lines.join('\n') }
}

describe('livesocket on the command line', () => {
  it.each([
    ['outbox-full #aaa(1000, 20)', 'outbox-full 1000 of at most 20 wait'],
    [
      'LiveSocketError: invalid outbox.maxMessages must be #ccc(#bbb()), it was 0',
      'must be one of (a number), it was 0',
    ],
    ['#aaa(1, #aaa(2, 3)', '1 of at most 2 of at most 3 wait wait'],
    ['#ddd(a, b, c)', 'it said: a, b, c'],
    ['#zzz(#bbb())', '#zzz(a number)'],
  ])('explain spells out %o', async (said, text) => {
    const texts = () => ({ aaa: '{} of at most {} wait', bbb: 'a number', ccc: 'one of ({})', ddd: 'it said: {}' })
    expect(await run(['explain', said], { texts })).toMatchObject({
      code: 0,
      text: expect.stringContaining(text) as string,
    })
  })

  it('explain without a text says what it takes', async () => {
    expect(await run(['explain'])).toMatchObject({ code: 2, text: expect.stringContaining('explain takes') as string })
  })

  it.each([
    [[], 0, 'livesocket conformance'],
    [['--help'], 0, 'Exit codes'],
    [['dance', 'ws://h'], 2, 'no command dance'],
    [['doctor'], 2, 'takes one ws: or wss: URL'],
    [['redis-scripts', '--loud'], 2, '--loud is not an option'],
    [['redis-scripts', '--limits', '{"dedupe":{"window":-1}}'], 2, 'dedupe.window must be'],
    [
      ['redis-scripts', '--limits', '{"histroy":{}}'],
      2,
      '--limits must be a JSON object of history, dedupe, maxTopics.',
    ],
    [['redis-scripts', '--limits', '5'], 2, '--limits must be a JSON object'],
    [['redis-scripts', '--limits', 'null'], 2, '--limits must be a JSON object'],
    [['redis-scripts', '--limits', '["history"]'], 2, '--limits must be a JSON object'],
    [['client-conformance'], 2, 'takes the command that starts a client'],
    [['client-conformance', './client'], 2, 'no WebSocket server'],
    [['redis-scripts'], 0, '"scripts":{'],
    [['doctor', 'http://h'], 2, 'takes one ws: or wss: URL'],
    [['doctor', 'ws://h', 'ws://h'], 2, 'takes one ws: or wss: URL'],
    [['doctor', 'ws://h', '--loud'], 2, '--loud is not an option'],
    [['doctor', 'ws://h', '--token'], 2, '--token needs a value'],
    [['doctor', 'ws://h', '--idle', 'soon'], 2, 'milliseconds above 0'],
    [['doctor', 'ws://['], 2, 'takes one ws: or wss: URL'],
    [['doctor', 'ws://h/live#room'], 2, 'takes one ws: or wss: URL, without a #'],
    [['doctor', 'ws://h', '--token', ''], 2, '--token must be a token, not an empty text'],
    [['doctor', 'ws://h', '--token-from', 'http://['], 2, '--token-from must be an http: or https: URL'],
    [['doctor', 'ws://h', '--lose', 'x'], 2, '--lose is an option of conformance only'],
    [['doctor', 'ws://h', '--fast'], 2, '--fast is an option of conformance only'],
    [['conformance', 'ws://h', '--idle', '5'], 2, '--idle is an option of doctor only'],
    [['conformance', 'ws://h', '--rate', '0'], 2, 'legs a second above 0'],
    [['conformance', 'ws://h', '--hidden', '{'], 2, '--hidden must be JSON'],
  ])('answers %o with exit code %d', async (words, code, text) => {
    const said = await run(words)
    expect(said).toMatchObject({ code, text: expect.stringContaining(text) as string })
    // The line that says what was wrong must not be lost above a page of usage.
    if (code === 2) expect(said.text.split('\n').length).toBeLessThanOrEqual(2)
  })

  it.each([
    ['as JSON', '{"token":"let me in","ttl":600000}'],
    ['as text', 'let me in\n'],
  ])('gets its token from --token-from, %s', async (_, body) => {
    const asked: string[] = []
    const live = await liveServer({
      authenticate: ({ token }) => (token === 'let me in' ? { subject: 'ada' } : null),
      authorize: () => true,
    })
    const { text } = await run(
      ['doctor', live.address(), '--idle', '1', '--token-from', 'http://tokens.example/token'],
      {
        fetch: (url) => (asked.push(url), Promise.resolve(new Response(body))),
      },
    )
    expect(text).not.toContain('It wants a token')
    expect(text).not.toContain('let me in')
    expect(asked).toEqual(['http://tokens.example/token'])
  })

  it('prints no password and no query of --token-from', async () => {
    const tokens = 'http://ann:hunter2@tokens.example/token'
    const refused = await run(['doctor', 'ws://h', '--token-from', tokens])
    expect(refused).toMatchObject({
      code: 2,
      text: expect.stringContaining('without a user name and password') as string,
    })
    const failed = await run(['doctor', 'ws://h', '--token-from', 'http://tokens.example/token?key=hunter2'], {
      fetch: async () => new Response('', { status: 403 }),
    })
    expect(failed).toEqual({ code: 2, text: 'http://tokens.example/token gave no token: it answered 403.' })
    expect(refused.text).not.toContain('hunter2')
  })

  it('treats an empty LIVESOCKET_TOKEN as none', async () => {
    const live = await liveServer({ authorize: () => true })
    const words = ['doctor', live.address(), '--idle', '1']
    expect(await run(words, { environment: { LIVESOCKET_TOKEN: '' } })).toMatchObject({ code: 0 })
  })

  it('fails where --only matches no rule', async () => {
    const live = await liveServer({ authorize: () => true })
    const clients = { serve: () => Promise.reject(new Error('nothing is served')), start: () => () => Promise.reject() }
    for (const words of [
      ['conformance', live.address()],
      ['client-conformance', './client'],
    ])
      expect(await run([...words, '--only', 'rule 99'], { clients: clients as never })).toMatchObject({
        code: 2,
        text: expect.stringContaining('No rule contains "rule 99"') as string,
      })
  })

  it('tests a rule that all others depend on where --only names just that', async () => {
    const live = await liveServer({ authorize: () => true })
    for (const title of ['welcomes a client', 'opens a WebSocket'])
      expect(await run(['conformance', live.address(), '--only', title])).toMatchObject({
        code: 0,
        text: expect.stringMatching(new RegExp(`✓ \\w+: ${title}\n+1 hold, 0 fail`)) as string,
      })
  })

  it.each([
    ['answers 401', () => new Response('', { status: 401 }), 'it answered 401'],
    ['answers without a token', () => new Response('{"ttl":1}'), 'its answer contains none'],
    ['answers null', () => new Response('null'), 'no token'],
    [
      'cannot be reached',
      () => Promise.reject(new TypeError('fetch failed', { cause: new Error('ECONNREFUSED') })),
      'ECONNREFUSED',
    ],
  ])('says why there is no token where --token-from %s', async (_, answer, words) => {
    const command = ['doctor', 'ws://h', '--token-from', 'http://tokens.example/token']
    expect(await run(command, { fetch: async () => answer() })).toMatchObject({
      code: 2,
      text: expect.stringContaining(words) as string,
    })
  })

  it('says what to install where there is no WebSocket', async () => {
    const lines: string[] = []
    const code = await command(['doctor', 'ws://h'], {
      WebSocket: undefined,
      texts: () => ({}),
      environment: {},
      print: (line) => lines.push(line),
      shell: async () => undefined,
    })
    expect([code, lines.join()]).toEqual([2, expect.stringContaining('install ws')])
  })

  it('exits with 0 on our own server, where all that was tested holds', { timeout: 30_000 }, async () => {
    const server = await liveServer()
    const { code, text } = await run(['conformance', server.address(), '--fast', '--patience', '1000'])
    expect(text).toMatch(
      /✓ server rule 6: replays from a position[\s\S]*– server rule 8[\s\S]*\d+ hold, 0 fail, \d+ could not be tried/,
    )
    expect(code).toBe(0)
  })

  it('passes the deadline and the rate to the drain command, runs --lose, and uses the data of --hidden', {
    timeout: 30_000,
  }, async () => {
    const log = memoryLog()
    const server = await liveServer({ log, filter: ({ data }) => (data as { to?: string }).to !== 'nobody' })
    const asked: [string, object][] = []
    const shell = async (line: string, variables: Readonly<Record<string, string>>) => {
      asked.push([line, variables])
      if (line === 'lose') log.forget()
      else
        await server.drain({
          deadline: Number(variables['LIVESOCKET_DEADLINE']),
          rate: Number(variables['LIVESOCKET_RATE']),
        })
    }
    const { code, text } = await run(
      [
        'conformance',
        server.address(),
        '--only',
        'server rule',
        '--drain',
        'drain',
        '--rate',
        '200',
        '--lose',
        'lose',
        '--hidden',
        '{"to":"nobody"}',
      ],
      { shell },
    )
    expect([code, /0 fail, 0 could/.test(text)]).toEqual([0, true])
    // Two rules are about a log that starts over: one about epochs, one about publishes from before the loss.
    expect(asked).toEqual([
      ['lose', {}],
      ['lose', {}],
      ['drain', { LIVESOCKET_DEADLINE: expect.stringMatching(/^\d+$/) as string, LIVESOCKET_RATE: '200' }],
    ])
  })

  it('prints no control characters and no token, whatever the server sends', async () => {
    const { url } = await scripted(
      (text, socket) =>
        socket.send(JSON.stringify({ type: 'welcome', server: `\u001b[2J${text}\n✓ All is well.`, topics: {} })),
      undefined,
      'livesocket.v1',
    )
    const { text } = await run(['doctor', url, '--patience', '100', '--idle', '50'], {
      environment: { LIVESOCKET_TOKEN: 'a very secret token' },
    })
    expect(text).toContain('Welcomed by ?[2J')
    expect(text).toContain('[token]')
    expect(text).not.toContain('a very secret token')
    expect(text).not.toMatch(/^✓ All is well/m)
  })
})

const examine = async (url: string, options: Partial<Parameters<typeof doctor>[0]> = {}) =>
  (await doctor({ url, WebSocket: Class, idle: 100, patience: 500, ...options })).map(
    ({ health, text }) => `${health}: ${text}`,
  )

describe('the doctor', () => {
  it('finds nothing bad in a sound deployment, also in a drain', async () => {
    const log = memoryLog()
    const [blue, green] = [
      await liveServer({ log, id: 'blue', reconnectSpread: 30_000 } as never),
      await liveServer({ log, id: 'green' } as never),
    ]
    // As a balancer does: a client that connects while blue drains lands on green.
    let target = blue.address()
    class Balanced extends WebSocket {
      constructor(_url: string, protocols?: string[]) {
        super(target, protocols)
      }
    }
    const seen = await examine(blue.address(), {
      WebSocket: Balanced as unknown as FrameSocketClass,
      drain: async () => {
        target = green.address()
        await blue.drain({ deadline: 300 })
      },
    })
    expect(seen.filter((text) => text.startsWith('bad'))).toEqual([])
    expect(seen).toEqual(
      expect.arrayContaining([
        expect.stringContaining('is replayed'),
        expect.stringContaining('asks clients to hand over within'),
        expect.stringContaining('New connections land on'),
        expect.stringContaining('closed with 1012'),
      ]),
    )
  })

  it.each<[string, () => string | Promise<string>, string]>([
    ['that nothing listens there', () => 'ws://127.0.0.1:9/', 'Nobody listens there'],
    [
      'another subprotocol',
      async () => (await scripted(() => undefined, undefined, 'other.protocol')).url,
      'instead of livesocket.v1',
    ],
    [
      'that no welcome comes',
      async () => (await scripted(() => undefined, undefined, 'livesocket.v1')).url,
      'No welcome',
    ],
    ['that a token is needed', async () => (await liveServer({ authenticate: () => null })).address(), '--token'],
    [
      'a short idle timeout',
      async () =>
        (
          await scripted(
            (text, socket) =>
              socket.send(
                text.includes('hello')
                  ? JSON.stringify({
                      type: 'welcome',
                      server: 'a',
                      topics: Object.fromEntries(
                        Object.keys((JSON.parse(text) as { topics: object }).topics).map((name) => [
                          name,
                          { epoch: 'e', offset: 0, after: 0 },
                        ]),
                      ),
                    })
                  : '{}',
              ),
            (socket) => void setTimeout(() => socket.close(1001), 150),
            'livesocket.v1',
          )
        ).url,
      'idle timeout',
    ],
  ])('finds %s', async (_name, url, text) => {
    const seen = await examine(await url(), { idle: 400, patience: 300 })
    expect(seen.filter((line) => line.startsWith('bad'))).toEqual([expect.stringContaining(text)])
  })

  it.each([2, 3])('finds %i servers in turn that share no log, whichever it reaches first', async (count) => {
    const servers = await Promise.all(Array.from({ length: count }, () => liveServer()))
    for (let begin = 0; begin < count; begin++) {
      let dials = begin
      class Scattered extends WebSocket {
        constructor(_url: string, protocols?: string[]) {
          super(servers[dials++ % count]!.address(), protocols)
        }
      }
      const seen = await examine(servers[0]!.address(), {
        WebSocket: Scattered as unknown as FrameSocketClass,
        idle: 10,
        patience: 200,
      })
      expect(seen.filter((line) => line.startsWith('bad'))).toEqual([expect.stringContaining('share one log')])
    }
  })

  it('finds servers that share no log also where clients may not publish', async () => {
    const servers = await Promise.all(
      [0, 1].map(() => liveServer({ authorize: ({ action }) => action === 'subscribe' })),
    )
    let dials = 0
    class Scattered extends WebSocket {
      constructor(_url: string, protocols?: string[]) {
        super(servers[dials++ % 2]!.address(), protocols)
      }
    }
    const seen = await examine(servers[0]!.address(), {
      WebSocket: Scattered as unknown as FrameSocketClass,
      idle: 10,
      patience: 200,
    })
    expect(seen.filter((line) => line.startsWith('bad'))).toEqual([expect.stringContaining('share one log')])
  })

  it.each<[string, Parameters<typeof liveServer>[0], string]>([
    ['subscribed to', { authorize: ({ topic }) => topic === 'health' }, 'the server refused subscribing to health.'],
    [
      'published into',
      { authorize: ({ action }) => action === 'subscribe' },
      'the server refused publishing into health.',
    ],
  ])('names the topic that must not be %s, and says that --topic is a prefix', async (_name, options, text) => {
    const server = await liveServer(options)
    const seen = await examine(server.address(), { topic: 'health' })
    const [line] = seen.filter((said) => said.startsWith('mind: The replay could not be tried'))
    expect(line).toContain(text)
    expect(line).toContain('topics that begin with "health."')
  })

  it.each<[string, string]>([
    ['by an error', '{"type":"error","code":"busy","message":"The log is away.","retryAfter":1000}'],
    ['by the close code alone', ''],
  ])('tells a busy server from one that is away: %s', async (_name, said) => {
    const { url } = await scripted(
      (_text, socket) => {
        if (said) socket.send(said)
        socket.close(1013)
      },
      undefined,
      'livesocket.v1',
    )
    expect(await examine(url)).toContainEqual(expect.stringContaining('bad: The server is up, and busy'))
  })

  it('has no warning for a server without other clients', async () => {
    const server = await liveServer()
    const seen = await examine(server.address())
    expect(seen.filter((line) => !/^(good|untried)/.test(line))).toEqual([])
  })

  it('warns where the welcome has no reconnectSpread', async () => {
    const wrapped = await defective((await liveServer()).address(), {
      name: '',
      down: ({ reconnectSpread: _, ...frame }) => [frame],
    })
    onTestFinished(wrapped.close)
    expect(await examine(wrapped.url)).toContainEqual(
      expect.stringContaining('mind: The welcome names no reconnectSpread'),
    )
  })

  it('announces its wait before it waits', async () => {
    const said: string[] = []
    await doctor({
      url: (await liveServer()).address(),
      WebSocket: Class,
      idle: 50,
      seen: ({ text }) => said.push(text),
      waits: (idle) => said.push(`waits ${idle}`),
    })
    const at = said.indexOf('waits 50')
    expect(said[at + 1]).toContain('lives for')
  })

  it.each<[string, object, string]>([
    ['a warning where it is too short', { reconnectSpread: 500 }, 'mind: reconnectSpread is 500 ms'],
    [
      'nothing to warn of where it is wide enough',
      { reconnectSpread: 20_000 },
      'good: If this server dies, its clients come back over 20000 ms',
    ],
  ])('reads reconnectSpread: %s', async (_name, options, line) => {
    const server = await liveServer(options)
    expect(await examine(server.address())).toContainEqual(expect.stringContaining(line))
  })

  it.each<[string, Partial<Defect>, string]>([
    [
      'a drain that closes instead of asking',
      { down: (frame, through) => (frame.type === 'handover' ? (through.close(1001), []) : [frame]) },
      'closed the connection with 1001 instead of asking',
    ],
    [
      'a drain that asks no client to hand over',
      { down: (frame) => (frame.type === 'handover' ? [] : [frame]), closed: () => null },
      'nobody was asked to hand over',
    ],
    ['a drain without a deadline', { down: ({ deadline: _, ...frame }) => [frame] }, 'with no deadline'],
    [
      'a drain whose deadline is no number',
      { down: (frame) => [frame.type === 'handover' ? { ...frame, deadline: '30s' } : frame] },
      'with the deadline "30s"',
    ],
    [
      'a close at the deadline with a code that is not 1012',
      { closed: () => 1001 },
      'Clients that have not handed over are closed with 1001',
    ],
    ['a drain that does not close at its deadline', { closed: () => null }, 'not closed'],
  ])('finds %s', { timeout: 20_000 }, async (_name, defect, text) => {
    const log = memoryLog()
    const [blue, green] = [await liveServer({ log }), await liveServer({ log })]
    const wrapped = await defective(blue.address(), { name: '', ...defect })
    onTestFinished(wrapped.close)
    let target = wrapped.url
    class Balanced extends WebSocket {
      constructor(_url: string, protocols?: string[]) {
        super(target, protocols)
      }
    }
    const seen = await examine(wrapped.url, {
      WebSocket: Balanced as unknown as FrameSocketClass,
      patience: 400,
      drain: () => {
        target = green.address()
        void blue.drain({ deadline: 600 })
      },
    })
    expect(seen.filter((line) => line.startsWith('bad'))).toEqual([expect.stringContaining(text)])
  })

  it('finds a balancer that still sends clients to the draining server', async () => {
    const server = await liveServer()
    const { url, legs } = await scripted(
      (text, socket) => {
        const { type, topics } = JSON.parse(text) as { type: string; topics: object }
        if (type === 'hello')
          socket.send(
            JSON.stringify({
              type: 'welcome',
              server: 'blue',
              reconnectSpread: 9_000,
              topics: Object.fromEntries(
                Object.keys(topics).map((name) => [name, { epoch: 'e', offset: 0, after: 0 }]),
              ),
            }),
          )
      },
      undefined,
      'livesocket.v1',
    )
    const seen = await examine(url, {
      patience: 100,
      drain: () =>
        legs.forEach(({ socket }) => socket.send('{"type":"handover","id":"h","reason":"deploy","deadline":5000}')),
    })
    expect(seen.filter((line) => line.startsWith('bad'))).toEqual([
      expect.stringContaining('still land on the server that drains'),
    ])
    await server.close()
  })

  it('examines a drain that has begun although its command fails', async () => {
    const server = await liveServer()
    const seen = await examine(server.address(), {
      drain() {
        setImmediate(() => void server.drain({ deadline: 200 }))
        throw new Error('it ended with 1')
      },
    })
    expect(seen).toContainEqual(expect.stringContaining('The drain asks clients to hand over within'))
  })

  it('says why the drain command failed, and does not report a drain that never began', async () => {
    const { text } = await run(
      ['doctor', (await liveServer({ authorize: () => true })).address(), '--idle', '1', '--drain', 'no-such-command'],
      { shell: () => Promise.reject(new Error('it ended with 127')) },
    )
    expect(text).toContain('! The drain could not be tried: could not start the drain: it ended with 127.')
    expect(text).not.toContain('The drain began')
  })

  it('finds a server that is draining already', async () => {
    const server = await liveServer()
    const staying = await server.join()
    void server.drain({ deadline: 4_000 })
    expect(await examine(server.address())).toContainEqual(
      'bad: It is draining, and accepts no clients. The balancer should not have sent any here.',
    )
    staying.close()
  })

  it('finds a log that stores too few messages', async () => {
    const server = await liveServer({ log: memoryLog({ history: { maxMessages: 1 } }) })
    expect(await examine(server.address())).toContainEqual(
      expect.stringContaining('bad: The replay does not begin where the client left'),
    )
  })

  it('tells a close by the server from a cut of an idle connection', async () => {
    const { url } = await scripted(
      (text, socket) =>
        socket.send(
          JSON.stringify({
            type: 'welcome',
            server: 'a',
            heartbeat: 100,
            topics: Object.fromEntries(
              Object.keys((JSON.parse(text) as { topics?: object }).topics ?? {}).map((name) => [
                name,
                { epoch: 'e', offset: 0, after: 0 },
              ]),
            ),
          }),
        ),
      (socket) => void setTimeout(() => socket.close(3008), 250),
      'livesocket.v1',
    )
    expect(await examine(url, { idle: 1_000, patience: 1_000 })).toContainEqual(
      expect.stringMatching(/^good: .* is closed after \d+ ms with 3008: the server noticed/),
    )
  })

  it.each<[number, string, string[], string]>([
    [0, 'all is well', ['--drain', 'drain'], '✓✓✓✓…✓✓✓✓✓'],
    [0, 'all that could be tried is well', [], '✓✓✓✓…✓✓–'],
    [3, 'there is a warning', ['--topic', 'closed'], '✓✓✓!…✓✓–'],
    [1, 'something is bad', ['--drain', 'do nothing'], '✓✓✓✓…✓✓✗'],
  ])('exits with %d where %s', async (code, _name, words, marks) => {
    const log = memoryLog()
    const authorize = ({ topic }: { topic: string }) => !topic.startsWith('closed')
    const [blue, green] = [await liveServer({ log, reconnectSpread: 9_000, authorize }), await liveServer({ log })]
    let target = blue.address()
    class Balanced extends WebSocket {
      constructor(_url: string, protocols?: string[]) {
        super(target, protocols)
      }
    }
    const shell = async (line: string) => {
      if (line !== 'drain') return
      target = green.address()
      await blue.drain({ deadline: 200 })
    }
    const lines: string[] = []
    expect(
      await command(['doctor', blue.address(), '--idle', '50', '--patience', '300', ...words], {
        WebSocket: Balanced as unknown as FrameSocketClass,
        texts: () => ({}),
        environment: {},
        print: (line) => lines.push(line),
        shell,
      }),
    ).toBe(code)
    expect(lines.map((line) => line[0]).join('')).toBe(marks)
  })

  it('finds a drain that leaves clients nowhere to go', async () => {
    const server = await liveServer()
    const seen = await examine(server.address(), { drain: () => void server.drain({ deadline: 200 }) })
    expect(seen.filter((line) => line.startsWith('bad'))).toEqual([expect.stringContaining('nowhere to go')])
  })
})
