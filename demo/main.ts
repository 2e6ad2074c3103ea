import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: {
    report: { type: 'boolean', default: false },
    deploys: { type: 'string', default: '20' },
    port: { type: 'string', default: '4180' },
    delay: { type: 'string', default: '50' },
    login: { type: 'string', default: '28800' },
    help: { type: 'boolean', short: 'h', default: false },
  },
})

if (values.help) {
  console.log(`npm run demo                     a page to deploy, crash and cut on, in your browser
  -- --port 4180                   where the page is served
  -- --delay 50                    round trip between the page and the servers, ms
  -- --login 60                    how long the page's sign-in lasts, s: its session ends then, though its token (2 min) does not
npm run demo -- --report         no browser: deploys under load, in numbers; exit 1 if a promise broke
  -- --report --deploys 20         how many deploys each time`)
} else if (values.report) {
  const { report } = await import('./report.js')
  process.exitCode = (await report({ deploys: number('deploys') })) > 0 ? 1 : 0
} else {
  const { serveDemo } = await import('./serve.js')
  const demo = await serveDemo({ port: number('port'), delay: number('delay'), login: number('login') * 1_000 })
  console.log(`\n  The demo is at ${demo.url}\n  Press Ctrl+C to end it.\n`)
  const end = () => void demo.close().then(() => process.exit(0))
  process.once('SIGINT', end)
  process.once('SIGTERM', end)
}

function number(name: 'deploys' | 'port' | 'delay' | 'login'): number {
  const value = Number(values[name])
  if (Number.isInteger(value) && value >= 0) return value
  console.error(`--${name} must be a whole number, not "${values[name]}".`)
  process.exit(2)
}
