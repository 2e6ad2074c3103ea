import { execFile, spawn } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import type { Browser } from 'playwright-core'
import { createServer } from 'vite'
import { afterAll, beforeAll, expect, inject, it, onTestFinished } from 'vitest'
import { launchBrowser } from '../kit/browser.js'
import { ROOT } from '../kit/source-files.js'

const PAGE = readFileSync(join(ROOT, 'docs/quickstart.md'), 'utf8')

/** The sample of this language below these words. */
function sample(words: string, language: string): string {
  const [, text] = PAGE.split(words)
  const [, code] = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'm').exec(text ?? '') ?? []
  if (code === undefined) throw new Error(`docs/quickstart.md has no ${language} below "${words}"`)
  return code
}

const SERVER = sample('## The server', 'js')
const WITH_EXPRESS = SERVER.replace(
  /^import \{ createServer[^]*?const TTL/m,
  (head) => `import express from 'express'\n${head}`,
).replace(/^const http = createServer\([^]*?^\}\)\n/m, sample('With **Express**', 'js').replace(/^import .*\n/, ''))

/** The folder of an application that has the package and `ws`, and what else it installs from this repository's. */
function application(name: string, ...more: string[]): string {
  const folder = join(inject('packed').full, name)
  // A copy: what it imports is the application's own.
  cpSync(join(inject('packed').full, 'node_modules/livesocket'), join(folder, 'node_modules/livesocket'), {
    recursive: true,
  })
  for (const one of ['ws', 'react', ...more]) {
    mkdirSync(dirname(join(folder, 'node_modules', one)), { recursive: true })
    symlinkSync(join(ROOT, 'node_modules', one), join(folder, 'node_modules', one), 'dir')
  }
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name, private: true }))
  return folder
}

/** Where it says that it listens. */
async function serve(folder: string, server: string): Promise<string> {
  writeFileSync(join(folder, 'server.mjs'), server)
  writeFileSync(join(folder, 'index.html'), sample('## A page without', 'html'))
  const child = spawn(process.execPath, ['server.mjs'], { cwd: folder, env: { ...process.env, PORT: '0' } })
  onTestFinished(() => void child.kill('SIGKILL'))
  let told = ''
  child.stderr.on('data', (text) => (told += text))
  for await (const line of createInterface(child.stdout)) return line
  throw new Error(told)
}

let browser: Browser
beforeAll(async () => void (browser = await launchBrowser()))
afterAll(() => browser?.close())

/** Two who are there see what each of them says, and nothing goes wrong on their pages. */
async function talk(url: string) {
  const faults: string[] = []
  const [ada, bob] = await Promise.all(
    ['ada', 'bob'].map(async () => {
      const page = await browser.newPage()
      page.on('pageerror', (error) => void faults.push(String(error)))
      page.on('console', (message) => {
        if (['error', 'warning'].includes(message.type())) faults.push(message.text())
      })
      await page.goto(url)
      await page.getByText('live', { exact: true }).waitFor()
      return page
    }),
  )
  for (const [page, text] of [
    [ada!, 'hello'],
    [bob!, 'who is there?'],
  ] as const) {
    await page.getByLabel('Message').fill(text)
    await page.getByRole('button').click()
    for (const each of [ada!, bob!]) await each.getByText(text, { exact: true }).waitFor()
  }
  for (const page of [ada!, bob!]) {
    expect(await page.locator('li').allTextContents()).toEqual(['Hello from the server.', 'hello', 'who is there?'])
    await page.close()
  }
  expect(faults).toEqual([])
}

it.each([
  ['as it stands', SERVER],
  ['with Express', WITH_EXPRESS],
])('the server %s gives tokens to the page without a build step, and two clients can chat', async (name, server) => {
  expect(server.includes('express()')).toBe(name === 'with Express')
  await talk(await serve(application(`quickstart-${name.replaceAll(' ', '-')}`, 'express'), server))
})

it('React with Vite compiles like its template, and two clients can chat through its development server', async () => {
  const { port } = new URL(await serve(application('quickstart-server'), SERVER))
  const here = ['react-dom', 'vite', '@vitejs/plugin-react', '@types/react', '@types/react-dom']
  const folder = application('quickstart-web', ...here)
  mkdirSync(join(folder, 'src'))
  writeFileSync(join(folder, 'vite.config.ts'), sample('## React with Vite', 'ts').replaceAll('8080', port))
  writeFileSync(join(folder, 'src/App.tsx'), sample('`src/App.tsx`', 'tsx'))
  writeFileSync(
    join(folder, 'src/main.tsx'),
    `import { createRoot } from 'react-dom/client'\nimport App from './App.tsx'\ncreateRoot(document.getElementById('root')!).render(<App />)\n`,
  )
  writeFileSync(
    join(folder, 'index.html'),
    '<link rel="icon" href="data:," /><div id="root"></div><script type="module" src="/src/main.tsx"></script>',
  )
  // As `npm create vite -- --template react-ts` has it: no types of Node.
  const args =
    '--noEmit --target es2023 --lib es2023,dom --module esnext --moduleResolution bundler --types vite/client --jsx react-jsx --strict --skipLibCheck --verbatimModuleSyntax --erasableSyntaxOnly --noUnusedLocals --noUnusedParameters --allowImportingTsExtensions'
  await promisify(execFile)(join(ROOT, 'node_modules/.bin/tsc'), [...args.split(' '), 'src/main.tsx'], {
    cwd: folder,
  }).catch(({ stdout }: { stdout: string }) => {
    throw new Error(stdout)
  })
  const vite = await createServer({
    root: folder,
    configFile: join(folder, 'vite.config.ts'),
    logLevel: 'silent',
    server: { port: 0 },
  })
  onTestFinished(() => vite.close())
  await vite.listen()
  await talk(vite.resolvedUrls!.local[0]!)
})
