import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { ClientWord, StartClient } from './client-stage.js'

/**
 * A client that is a program: it finds the URL in LIVESOCKET_URL and the topic in LIVESOCKET_TOPIC, reads a command a
 * line, and says a word a line, both as JSON. Lines that are no JSON object are its own affair.
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
    child.on('error', () => undefined)
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
    }
  }
}

function wordIn(line: string): ClientWord | null {
  try {
    const word: unknown = JSON.parse(line)
    return typeof word === 'object' && word !== null ? (word as ClientWord) : null
  } catch {
    return null
  }
}
