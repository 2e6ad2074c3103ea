import { parseArgs } from 'node:util'

const { values, positionals } = parseArgs({
  options: {
    report: { type: 'boolean', default: false },
    deploys: { type: 'string', default: '20' },
    port: { type: 'string', default: '4180' },
    delay: { type: 'string', default: '50' },
    redis: { type: 'boolean', default: false },
    login: { type: 'string', default: '28800' },
    help: { type: 'boolean', short: 'h', default: false },
  },
  // A URL may follow --redis.
  allowPositionals: true,
})

if (values.help) {
  console.log(`npm run demo                     a page in your browser on which you deploy, crash servers and cut the network
  -- --port 4180                   where the page is served
  -- --delay 50                    round-trip time between the page and the servers, ms
  -- --login 60                    how long the page's sign-in lasts, s; then its session ends, even if its token (2 min) is still valid
npm run demo -- --redis [url]    the same with each server in its own process, on a real Redis: at that URL, or one that the demo starts
npm run demo -- --report         without a browser: numbers of deploys under load; exit code 1 if a promise was broken
  -- --report --deploys 20         how many deploys in each run`)
} else if (values.report) {
  const { report } = await import('./report.js')
  process.exitCode = (await report({ deploys: number('deploys') })) > 0 ? 1 : 0
} else {
  const { serveDemo } = await import('./serve.js')
  const redis = values.redis ? await redisAt(positionals[0]) : undefined
  const demo = await serveDemo({
    redis: redis?.url,
    port: number('port'),
    delay: number('delay'),
    login: number('login') * 1_000,
  })
  console.log(`\n  The demo is at ${demo.url}\n  Press Ctrl+C to stop it.\n`)
  const end = () =>
    void demo
      .close()
      .then(() => redis?.close?.())
      .then(() => process.exit(0))
  process.once('SIGINT', end)
  process.once('SIGTERM', end)
}

function number(name: 'deploys' | 'port' | 'delay' | 'login'): number {
  const value = Number(values[name])
  if (Number.isInteger(value) && value >= 0) return value
  console.error(`--${name} must be a whole number, not "${values[name]}".`)
  process.exit(2)
}

/** The Redis at that URL, or one that is started for the time of the demo. */
async function redisAt(url: string | undefined): Promise<{ url: string; close?(): Promise<void> }> {
  if (url !== undefined) return { url }
  const { startRedisServer } = await import('../test/kit/redis-server.js')
  try {
    return await startRedisServer()
  } catch (error) {
    console.error(`${(error as Error).message}
  Debian, Ubuntu:  sudo apt-get install redis-server
  macOS:           brew install redis
  anywhere:        docker run --rm -p 6379:6379 redis:7, and then npm run demo -- --redis redis://127.0.0.1:6379`)
    process.exit(1)
  }
}
