import { bundledSize, measureSizes } from '../bytes/sizes.js'
import { createStage } from '../kit/stage.js'

const CORE = 'createLiveSocket'
const HOOKS = 'React hooks, over the core'

export interface Bytes {
  readonly core: number
  /** All hooks, over the core. */
  readonly hooks: number
  readonly peers: Readonly<Record<string, number>>
}

/** Bytes that a page loads, bundled and minified for production without React, and gzipped. */
export async function measureBytes(): Promise<Bytes> {
  const stage = await createStage()
  try {
    const { folder } = stage.present
    const { [CORE]: core, [HOOKS]: hooks } = await measureSizes(folder, [CORE, HOOKS])
    return {
      core: core!,
      hooks: hooks!,
      peers: {
        'react-use-websocket': await bundledSize(folder, "export { default } from 'react-use-websocket'"),
        partysocket: await bundledSize(folder, "export { default } from 'partysocket/use-ws'"),
      },
    }
  } finally {
    await stage.remove()
  }
}
