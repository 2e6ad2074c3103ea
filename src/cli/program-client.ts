import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { ClientWord, StartClient } from './client-stage.js'

/**
 * A client that is a program: it finds the URL in LIVESOCKET_URL and the topic in LIVESOCKET_TOPIC, reads a command a
 * line, and says a word a line, both as JSON. Lines that are no such word are its own affair.
 */
export function programClient(command: string): StartClient {
  return (url, topic) => {
    const child = spawn(command, {
      shell: true,
      // With it goes whatever its shell has started.
      detached: true,
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, LIVESOCKET_URL: url, LIVESOCKET_TOPIC: topic },
    })
    let failed: string | null = null
    child.on('error', ({ message }) => (failed = `could not be started: ${message}`))
    // One that ends well may have left the client to itself.
    child.on('exit', (code) => {
      if (code !== 0) failed = code === null ? 'was killed' : `has ended with ${code}`
    })
    child.stdin.on('error', () => undefined)
    const end = () => {
      try {
        process.kill(-child.pid!, 'SIGKILL')
      } catch {
        // Gone already.
      }
    }
    process.on('exit', end)
    return {
      tell: (said) => void child.stdin.write(`${JSON.stringify(said)}\n`),
      on(listener) {
        createInterface({ input: child.stdout }).on('line', (line) => {
          const word = wordIn(line)
          if (word) listener(word)
        })
      },
      end() {
        process.off('exit', end)
        end()
      },
      get failed() {
        return failed
      },
    }
  }
}

function wordIn(line: string): ClientWord | null {
  try {
    const word: unknown = JSON.parse(line)
    return isWord(word) ? word : null
  } catch {
    return null
  }
}

/** Programs log in JSON as well, and a text is what most of them call a message. */
function isWord(said: unknown): said is ClientWord {
  if (!isObject(said)) return false
  const { message, gap, settled } = said
  const isBound = (bound: unknown) => bound === null || typeof bound === 'number'
  return (
    (isObject(message) && typeof message['offset'] === 'number') ||
    (isObject(gap) && isBound(gap['from']) && isBound(gap['to'])) ||
    isObject(settled)
  )
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
