import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { launchBrowser } from '../../test/kit/browser.js'
import { serveStories } from './static-site.js'

/**
 * Makes the pictures of the README and the docs from the built stories. Each shows a story as its play function leaves it,
 * with time stopped, in the light theme, at two device pixels per CSS pixel.
 */
interface Picture {
  readonly file: string
  readonly story: string
  readonly width: number
}

const PICTURES: readonly Picture[] = [
  { file: 'deploy.png', story: 'livesocket-a-rolling-deploy--beside-a-naive-client', width: 1040 },
  { file: 'crash.png', story: 'livesocket-crash-and-recovery--everything-is-replayed', width: 1040 },
  { file: 'network.png', story: 'livesocket-flaky-network--tunnels-and-dead-paths', width: 1040 },
  { file: 'devtools.png', story: 'operations-devtools--panel', width: 1040 },
  { file: 'renders.png', story: 'react-many-components-one-socket--render-meter', width: 1040 },
  { file: 'fleet.png', story: 'operations-fleet-planner--fleet-planner', width: 1120 },
]

/** A picture needs no buttons, and less space around it. */
const STILL =
  '.stage { padding-block: 32px } .stage > .actions { display: none } *, *::before { animation: none !important }'

const { values } = parseArgs({
  options: {
    out: { type: 'string', default: 'docs' },
    theme: { type: 'string', default: 'light' },
    width: { type: 'string' },
    story: { type: 'string' },
  },
})
const root = join(import.meta.dirname, '../..')
const site = await serveStories(join(root, 'storybook-static'))
const browser = await launchBrowser()
try {
  const wanted: readonly Picture[] = values.story
    ? [{ file: `${values.story}.png`, story: values.story, width: 1040 }]
    : PICTURES
  for (const { file, story, width } of wanted) {
    const page = await browser.newPage({
      viewport: { width: Number(values.width ?? width), height: 900 },
      deviceScaleFactor: 2,
    })
    page.on('pageerror', (error) => console.error(`${story}: ${error.message}`))
    await page.goto(site.story(story, `&args=playing:!false&globals=theme:${values.theme}`))
    await page.waitForSelector('html[data-played]', { timeout: 60_000 })
    // A click leaves the focus on its button, and counters are updated ten times a second.
    await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur())
    if (!values.story) await page.addStyleTag({ content: STILL })
    await page.waitForTimeout(400)
    const target = page.locator('.stage')
    const path = resolve(root, values.out, file)
    await target.screenshot({ path })
    console.log(path)
    await page.close()
  }
} finally {
  await browser.close()
  await site.close()
}
