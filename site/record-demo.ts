import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { serveDemo } from '../demo/serve.js'
import { launchBrowser } from '../test/kit/browser.js'

/** One picture of the demo, and when it was taken. */
interface Frame {
  readonly image: string
  readonly seconds: number
}

const LENGTH = 16_000
const EVERY = 400
/** When the Deploy button is pressed. */
const DEPLOY = 2_000

/** Plays the demo through a deploy in Chromium: pictures into `folder`/public/demo, and what they are into `folder`. */
export async function recordDemo(folder: string): Promise<void> {
  const images = join(folder, 'public/demo')
  mkdirSync(images, { recursive: true })
  const demo = await serveDemo()
  const browser = await launchBrowser()
  const frames: Frame[] = []
  try {
    const page = await browser.newPage({ viewport: { width: 1200, height: 900 } })
    await page.goto(demo.url)
    const deploy = page.getByRole('button', { name: 'Deploy', exact: false }).first()
    await page.getByText('live', { exact: true }).first().waitFor()
    await page.waitForTimeout(1_000)
    const begun = performance.now()
    for (let pressed = false, at = 0; at < LENGTH; at = performance.now() - begun) {
      if (!pressed && at > DEPLOY) {
        await deploy.click()
        pressed = true
      }
      const name = `${String(frames.length).padStart(3, '0')}.jpg`
      await page.screenshot({ path: join(images, name), type: 'jpeg', quality: 70 })
      frames.push({ image: `/demo/${name}`, seconds: Math.round(at / 100) / 10 })
      await page.waitForTimeout(Math.max(0, EVERY - (performance.now() - begun - at)))
    }
  } finally {
    await browser.close()
    await demo.close()
  }
  writeFileSync(join(folder, 'demo-frames.json'), JSON.stringify(frames))
}
