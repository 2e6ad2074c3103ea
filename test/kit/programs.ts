import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Tests of software that npm does not install, and what each of them needs: programs, and folders of libraries. */
export const NEEDS: Record<string, readonly string[]> = {
  'test/server/redis/redis-*.test.ts': ['redis-server'],
  'test/server/redis/roll-call.test.ts': ['redis-server'],
  'test/server/redis/redis-cluster.test.ts': ['redis-server', 'openssl'],
  'test/prove/prove.test.ts': ['redis-server'],
  'test/cluster/drive.test.ts': ['redis-server', 'nginx', 'haproxy'],
  'test/cluster/recipes.test.ts': ['nginx', 'haproxy', 'openssl', 'systemd-analyze'],
  'test/cli/upgrade-probe.test.ts': ['openssl'],
  'test/server/upgrade/upgrade-over-tls.test.ts': ['openssl'],
  'test/browser/firefox.test.ts': ['firefox-esr'],
  'test/browser/http2.test.ts': ['firefox-esr', 'haproxy', 'openssl'],
  'test/examples/chat-in-chromium.test.ts': ['redis-server'],
  'test/browser/webkit.test.ts': ['WebKitWebDriver', 'Xvfb'],
  'test/presets/mosquitto.test.ts': ['mosquitto', 'mosquitto_passwd'],
  'test/presets/nats.test.ts': ['nats-server'],
  'test/presets/socket-io-redis.test.ts': ['redis-server'],
  'test/presets/server-go.test.ts': ['go', '/usr/share/gocode/src/github.com/gorilla/websocket'],
  'test/presets/server-dotnet.test.ts': ['dotnet'],
  'test/servers/*.test.ts': ['dotnet', 'redis-server', 'haproxy'],
  'test/presets/server-phoenix.test.ts': ['elixir', '/usr/share/doc/erlang-jiffy'],
}

/** A program that no Debian package has. CI runs its tests where it is installed, and reports where it is not. */
const NOT_IN_DEBIAN = 'dotnet'

/**
 * The tests that cannot run here, with a warning. In CI there are none except those that need a program outside Debian:
 * CI installs everything else, and a missing program is a failure.
 */
export function withoutPrograms(): string[] {
  const left = Object.entries(NEEDS).flatMap(([tests, programs]) => {
    const missing = programs.filter((program) => !installed(program))
    return missing.length === 0 || (process.env['CI'] && !missing.includes(NOT_IN_DEBIAN)) ? [] : [{ tests, missing }]
  })
  // Projects and workers read the configuration again and inherit this variable.
  const told = process.env['NOT_RUN_TOLD'] !== undefined
  process.env['NOT_RUN_TOLD'] = 'yes'
  for (const { tests, missing } of told ? [] : left)
    console.warn(`NOT RUN: ${tests}, since ${missing.join(' and ')} is not installed here.`)
  return left.map(({ tests }) => tests)
}

/** Whether a program is on the path, or a folder exists. */
export function installed(program: string): boolean {
  if (program.startsWith('/')) return existsSync(program)
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']
  return folders.some((folder) => folder !== '' && existsSync(join(folder, program)))
}
