import { redactedText } from '../base/token-redaction.js'
import { exportScripts } from '../server/redis/script-export.js'
import { clientConformance, type ClientConformanceOptions } from './client-conformance.js'
import { conformance, type Finding } from './conformance.js'
import { doctor, type Symptom } from './doctor.js'
import { explained, type Texts } from './explain.js'
import type { FrameSocketClass } from './frame-client.js'
import { init } from './init.js'

export interface CommandDeps {
  readonly WebSocket: FrameSocketClass | undefined
  readonly environment: Readonly<Record<string, string | undefined>>
  /** An application to copy, and the version of this package. */
  readonly example?: { readonly template: string; readonly version: string }
  /** The texts behind the keys that pages print in their place. */
  texts(): Texts
  /** A server on which to test a client, and a function that starts such a client by a shell command. */
  readonly clients?: Pick<ClientConformanceOptions, 'serve'> & {
    start(command: string): ClientConformanceOptions['start']
  }
  print(line: string): void
  /** Default: the runtime's own. */
  fetch?(url: string): Promise<Response>
  /** Runs a shell command with these variables in addition to the environment's; rejects if it fails. */
  shell(command: string, variables: Readonly<Record<string, string>>): Promise<void>
}

const USAGE = `livesocket conformance <ws://…>   tests whether a server, in any language, follows livesocket.v1
livesocket client-conformance '<command>'   tests whether a client, in any language, does
livesocket doctor <ws://…>        examines a deployment, as its clients see it
livesocket init [folder]          creates an application to start with: a chat and its server
livesocket explain '#key(…)'      prints the whole text of an error that a page shows in short
livesocket redis-scripts          prints the scripts in Redis as JSON, for a server in another language

  --token <token>     the token of the hello; or LIVESOCKET_TOKEN in the environment, hidden from process lists
  --token-from <url>  a URL that answers with a token, as {"token": …} or as text
  --topic <prefix>    prefix of topics to subscribe to and publish into: health for health.…; default conformance
  --drain <command>   starts a drain, with LIVESOCKET_DEADLINE milliseconds as its deadline
  --patience <ms>     how long an answer may take; default 2000, doctor 5000

only for conformance:
  --rate <number>     how many legs a second the drain asks to hand over; its command gets it as LIVESOCKET_RATE
  --lose <command>    makes the log start over under another epoch, and ends when it has
  --hidden <json>     data of a message that the server hides from this token's user
  --only <text>       runs only rules that contain this text
  --fast              skips what takes ten seconds

only for doctor:
  --idle <ms>         how long to watch for a cut of idle connections; default 65000

only for redis-scripts:
  --limits <json>     history, dedupe and maxTopics, if redisLog() is not given its defaults

Exit codes: 0 all is well, 1 something is wrong, 2 wrong usage, 3 (doctor) nothing is wrong, but there are warnings.`

/** Printed below the line that says what was wrong, instead of the usage, so that the line is not overlooked. */
const MORE = 'See livesocket --help.'

const VALUES = ['token', 'token-from', 'topic', 'drain', 'patience', 'rate', 'lose', 'hidden', 'only', 'idle'] as const
type Name = (typeof VALUES)[number]
/** Options that only one of the two commands has. */
const OF: Partial<Record<Name | 'fast', 'conformance' | 'doctor'>> = {
  rate: 'conformance',
  lose: 'conformance',
  hidden: 'conformance',
  only: 'conformance',
  fast: 'conformance',
  idle: 'doctor',
}
/** What is wrong with an option's value. */
const WRONG: Partial<Record<Name, (value: string) => string | false>> = {
  token: (value) => value === '' && 'a token, not an empty text',
  // `fetch` rejects URLs with a user name and password, and would repeat them in its error.
  'token-from': (value) =>
    !(/^https?:\/\/[^/@]+(\/|\?|$)/.test(value) && URL.canParse(value)) &&
    'an http: or https: URL without a user name and password',
  patience: (value) => !(Number(value) > 0) && 'a number of milliseconds above 0',
  idle: (value) => !(Number(value) > 0) && 'a number of milliseconds above 0',
  rate: (value) => !(Number(value) > 0 && Number(value) < Infinity) && 'a number of legs a second above 0',
  hidden: (value) => !isJson(value) && `JSON, such as '{"to":"nobody"}'`,
}

/** Runs `npx livesocket`; resolves to its exit code. */
export async function command(
  words: readonly string[],
  { WebSocket, environment, example, texts, clients, print, shell, fetch = globalThis.fetch }: CommandDeps,
): Promise<0 | 1 | 2 | 3> {
  if (words[0] === 'init' && example) return init(words.slice(1), { ...example, print })
  if (words[0] === 'explain') {
    const sentence = explained(words.slice(1).join(' '), texts())
    print(
      sentence ?? `explain takes the text of an error that contains a key of this release, such as #k3f(…).\n${MORE}`,
    )
    return sentence === null ? 2 : 0
  }
  if (words[0] === 'client-conformance') return tryClient(words.slice(1), clients, print)
  if (words[0] === 'redis-scripts') return printScripts(words.slice(1), print)
  const call = read(words)
  if (typeof call === 'string') {
    print(call)
    return call === USAGE ? 0 : 2
  }
  if (!WebSocket) {
    print('There is no WebSocket here: use Node 22 or later, or install ws (npx -p livesocket -p ws livesocket …).')
    return 2
  }
  const { name, url, values, fast } = call
  const { drain, topic, only, rate, lose, hidden } = values
  const from = values['token-from']
  const given =
    from === undefined ? (values.token ?? (environment['LIVESOCKET_TOKEN'] || undefined)) : await tokenFrom(from, fetch)
  if (given instanceof Error) {
    // The query of the URL may contain a secret.
    print(`${from!.replace(/[?#].*/s, '')} gave no token: ${given.message}`.replace(UNPRINTABLE, '?'))
    return 2
  }
  const token = given
  // What a server says goes to a terminal, and from there into logs: control characters and the token are removed.
  const say = (text: string) => print(redactedText(text, token === undefined ? [] : [token]).replace(UNPRINTABLE, '?'))
  const variables: Record<string, string> = rate === undefined ? {} : { LIVESOCKET_RATE: rate }
  const options = {
    url,
    WebSocket,
    token,
    topic,
    patience: values.patience === undefined ? (name === 'doctor' ? 5_000 : 2_000) : Number(values.patience),
    ...(drain !== undefined && {
      drain: (deadline: number) => shell(drain, { LIVESOCKET_DEADLINE: String(deadline), ...variables }),
    }),
  }
  if (name === 'conformance') {
    const findings = await conformance({
      ...options,
      slow: !fast,
      ...(only !== undefined && { only }),
      ...(rate !== undefined && { rate: Number(rate) }),
      ...(lose !== undefined && { lose: () => shell(lose, {}) }),
      ...(hidden !== undefined && { hidden: JSON.parse(hidden) as unknown }),
      found: (finding) => say(lineOf(finding)),
    })
    if (findings.length === 0) return nothingTried(only!, print)
    const count = (verdict: Finding['verdict']) => findings.filter((finding) => finding.verdict === verdict).length
    print(`\n${count('holds')} hold, ${count('fails')} fail, ${count('untried')} could not be tried.`)
    return count('fails') > 0 ? 1 : 0
  }
  const symptoms = await doctor({
    ...options,
    ...(values.idle !== undefined && { idle: Number(values.idle) }),
    waits: (idle) =>
      print(
        `… waits up to ${Math.round(idle / 100) / 10} s to see whether idle connections are cut (shorter with --idle <ms>)`,
      ),
    seen: (symptom) => say(`${MARKS[symptom.health]} ${inOneLine(symptom.text)}`),
  })
  return symptoms.some(({ health }) => health === 'bad') ? 1 : symptoms.some(({ health }) => health === 'mind') ? 3 : 0
}

/** Fetches a token from this URL. */
async function tokenFrom(url: string, fetch: (url: string) => Promise<Response>): Promise<string | Error> {
  try {
    const response = await fetch(url)
    if (!response.ok) return new Error(`it answered ${response.status}.`)
    const text = await response.text()
    const { token } = isJson(text) ? (JSON.parse(text) as { token?: unknown }) : { token: text.trim() }
    return typeof token === 'string' && token !== '' ? token : new Error('its answer contains none.')
  } catch (thrown) {
    return thrown instanceof Error ? ((thrown.cause as Error | undefined) ?? thrown) : new Error(String(thrown))
  }
}

async function tryClient(
  [line, option, only, ...more]: readonly string[],
  clients: CommandDeps['clients'],
  print: (line: string) => void,
): Promise<0 | 1 | 2> {
  const isOnly = option === '--only' && only !== undefined && more.length === 0
  if (line === undefined || line.startsWith('--') || (option !== undefined && !isOnly)) {
    print(`client-conformance takes the command that starts a client, and optionally --only <text>.\n${MORE}`)
    return 2
  }
  if (!clients) {
    print('There is no WebSocket server here: install ws (npx -p livesocket -p ws livesocket …).')
    return 2
  }
  const findings = await clientConformance({
    serve: clients.serve,
    start: clients.start(line),
    only,
    found: (finding) => print(lineOf(finding).replace(UNPRINTABLE, '?')),
  })
  if (findings.length === 0) return nothingTried(only!, print)
  const failed = findings.filter(({ verdict }) => verdict === 'fails').length
  print(`\n${findings.length - failed} hold, ${failed} fail.`)
  return failed > 0 ? 1 : 0
}

/** A misspelt rule must not pass for a success. */
function nothingTried(only: string, print: (line: string) => void): 2 {
  print(`No rule contains ${JSON.stringify(only)}: nothing was tried.\n${MORE}`)
  return 2
}

const LIMITS = ['history', 'dedupe', 'maxTopics']

function printScripts(words: readonly string[], print: (line: string) => void): 0 | 2 {
  try {
    const [option, limits = '{}', ...more] = words
    if ((option !== undefined && option !== '--limits') || more.length > 0)
      throw new Error(`${option} is not an option`)
    const given: unknown = JSON.parse(limits)
    // Unknown options are refused: falling back to scripts with the defaults would share a log that has other limits.
    if (typeof given !== 'object' || given === null || Object.keys(given).some((name) => !LIMITS.includes(name)))
      throw new Error(`--limits must be a JSON object of ${LIMITS.join(', ')}.`)
    print(JSON.stringify(exportScripts(given)))
    return 0
  } catch (thrown) {
    print(`${thrown instanceof Error ? thrown.message : String(thrown)}\n${MORE}`)
    return 2
  }
}

const UNPRINTABLE = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g

const MARKS: Record<Symptom['health'] | Finding['verdict'], string> = {
  good: '✓',
  mind: '!',
  bad: '✗',
  holds: '✓',
  fails: '✗',
  untried: '–',
}

function lineOf({ rule, title, verdict, why }: Finding): string {
  return `${MARKS[verdict]} ${rule}: ${title}${why === undefined ? '' : `\n    ${inOneLine(why)}`}`
}

/** In one line, so that quoted words cannot pass for a line of ours. */
function inOneLine(text: string): string {
  return text.replace(/\n/g, ' ')
}

function read(
  words: readonly string[],
): { name: 'conformance' | 'doctor'; url: string; values: Partial<Record<Name, string>>; fast: boolean } | string {
  const values: Partial<Record<Name, string>> = {}
  const rest: string[] = []
  let fast = false
  for (let at = 0; at < words.length; at++) {
    const word = words[at]!
    if (word === '--help' || word === '-h') return USAGE
    if (word === '--fast') fast = true
    else if (word.startsWith('--')) {
      const name = VALUES.find((known) => `--${known}` === word)
      const value = words[++at]
      if (!name || value === undefined) return `${word} ${name ? 'needs a value' : 'is not an option'}.\n${MORE}`
      const wrong = WRONG[name]?.(value)
      if (wrong) return `${word} must be ${wrong}.\n${MORE}`
      values[name] = value
    } else rest.push(word)
  }
  const [name, url, ...more] = rest
  if (name === undefined) return USAGE
  if (name !== 'conformance' && name !== 'doctor') return `There is no command ${name}.\n${MORE}`
  const foreign = [...(Object.keys(values) as Name[]), ...(fast ? (['fast'] as const) : [])].find(
    (option) => (OF[option] ?? name) !== name,
  )
  if (foreign) return `--${foreign} is an option of ${OF[foreign]} only.\n${MORE}`
  if (url === undefined || more.length > 0 || !/^wss?:\/\/[^#]+$/.test(url) || !URL.canParse(url))
    return `${name} takes one ws: or wss: URL, without a #.\n${MORE}`
  return { name, url, values, fast }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
