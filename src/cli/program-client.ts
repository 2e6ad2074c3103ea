import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { ClientWord, StartClient } from './client-stage.js'

/**
 * A client that is a program. It finds the URL in LIVESOCKET_URL and the topic in LIVESOCKET_TOPIC. It reads one
 * command a line, and writes one report a line, both as JSON. Lines that are no reports are ignored.
 */
export function programClient(command: string): StartClient {
  return (url, topic) => {
    const child = spawn(command, {
      shell: true,
      // So that whatever its shell has started ends with it.
      detached: true,
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, LIVESOCKET_URL: url, LIVESOCKET_TOPIC: topic },
    })
    let failed: string | null = null
    child.on('error', ({ message }) => (failed = `could not be started: ${message}`))
    // A shell that ends with 0 may have left the client running in the background.
    child.on('exit', (code) => {
      if (code !== 0) failed = code === null ? 'was killed' : `has ended with ${code}`
    })
    child.stdin.on('error', () => undefined)
    const end = () => {
      try {
        process.kill(-child.pid!, 'SIGKILL')
      } catch {
        // It has ended already.
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

/** Whether a line is a report: programs log in JSON as well, and in most logs `message` is a string. */
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
