import { conformance, type Finding } from './conformance.js'
import { doctor, type Symptom } from './doctor.js'
import type { WireSocketClass } from './wire.js'

export interface CommandDeps {
  readonly WebSocket: WireSocketClass | undefined
  readonly environment: Readonly<Record<string, string | undefined>>
  print(line: string): void
  /** Runs a command of the system's shell, with that many milliseconds as LIVESOCKET_DEADLINE. */
  shell(command: string, deadline: number): void | Promise<void>
}

const USAGE = `livesocket conformance <ws://…>   does a server, in any language, keep livesocket.v1?
livesocket doctor <ws://…>        is a deployment fit for its clients?

  --token <token>     to say hello with; or the environment's LIVESOCKET_TOKEN, which no list of processes shows
  --topic <prefix>    topics that may be subscribed and published to begin so; default conformance
  --drain <command>   starts a drain, with LIVESOCKET_DEADLINE milliseconds as its deadline
  --patience <ms>     how long an answer may take; default 2000, doctor 5000
  --only <text>       conformance: only rules with this text in them
  --fast              conformance: leave out what takes ten seconds
  --idle <ms>         doctor: how long to wait for an idle cut; default 65000

Exit codes: 0 all is well, 1 something is wrong, 2 it was called wrongly, 3 (doctor) nothing is wrong, but something is to be minded.`

const VALUES = ['token', 'topic', 'drain', 'patience', 'only', 'idle'] as const
type Name = (typeof VALUES)[number]

/** What `npx livesocket` does; resolves to its exit code. */
export async function command(words: readonly string[], { WebSocket, environment, print, shell }: CommandDeps): Promise<0 | 1 | 2 | 3> {
  const given = read(words)
  if (typeof given === 'string') {
    print(given)
    return given === USAGE ? 0 : 2
  }
  if (!WebSocket) {
    print('There is no WebSocket here: use Node 22 or later, or install ws (npx -p livesocket -p ws livesocket …).')
    return 2
  }
  const { name, url, values, fast } = given
  const { drain, topic, only } = values
  const options = {
    url,
    WebSocket,
    token: values.token ?? environment['LIVESOCKET_TOKEN'],
    topic,
    patience: values.patience === undefined ? (name === 'doctor' ? 5_000 : 2_000) : Number(values.patience),
    ...(drain !== undefined && { drain: (deadline: number) => shell(drain, deadline) }),
  }
  if (name === 'conformance') {
    const findings = await conformance({ ...options, slow: !fast, ...(only !== undefined && { only }), found: (finding) => print(lineOf(finding)) })
    const count = (verdict: Finding['verdict']) => findings.filter((finding) => finding.verdict === verdict).length
    print(`\n${count('holds')} hold, ${count('fails')} fail, ${count('untried')} could not be tried.`)
    return count('fails') > 0 ? 1 : 0
  }
  const symptoms = await doctor({ ...options, ...(values.idle !== undefined && { idle: Number(values.idle) }), seen: (symptom) => print(`${MARKS[symptom.health]} ${symptom.text}`) })
  return symptoms.some(({ health }) => health === 'bad') ? 1 : symptoms.some(({ health }) => health === 'mind') ? 3 : 0
}

const MARKS: Record<Symptom['health'] | Finding['verdict'], string> = { good: '✓', mind: '!', bad: '✗', holds: '✓', fails: '✗', untried: '–' }

function lineOf({ rule, title, verdict, why }: Finding): string {
  return `${MARKS[verdict]} ${rule}: ${title}${why === undefined ? '' : `\n    ${why}`}`
}

function read(words: readonly string[]): { name: 'conformance' | 'doctor'; url: string; values: Partial<Record<Name, string>>; fast: boolean } | string {
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
      if (!name || value === undefined) return `${word} is ${name ? 'given no value' : 'not an option'}.\n\n${USAGE}`
      if ((name === 'patience' || name === 'idle') && !(Number(value) > 0)) return `${word} is a number of milliseconds above 0.\n\n${USAGE}`
      values[name] = value
    } else rest.push(word)
  }
  const [name, url, ...more] = rest
  if (name === undefined) return USAGE
  if (name !== 'conformance' && name !== 'doctor') return `There is no command ${name}.\n\n${USAGE}`
  if (url === undefined || more.length > 0 || !/^wss?:\/\/./.test(url)) return `${name} takes one ws: or wss: URL.\n\n${USAGE}`
  return { name, url, values, fast }
}
