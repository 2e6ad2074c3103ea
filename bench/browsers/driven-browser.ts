export type BrowserName = 'chromium' | 'firefox' | 'webkit'

/**
 * A real browser in a temporary profile, driven through its vendor's own interface. Nothing about its pages is
 * simulated.
 */
export interface DrivenBrowser {
  readonly name: BrowserName
  /** The vendor's name for it, with its version. */
  readonly product: string
  /** Opens a tab in front of the others. */
  openTab(): Promise<DrivenTab>
  close(): Promise<void>
}

export interface DrivenTab {
  /** Resolves when the page is loaded. */
  open(url: string): Promise<void>
  /** Runs `expression` in the page. If the result is a promise, waits for it. */
  run<Value>(expression: string): Promise<Value>
  /** One step back in the tab's history. */
  back(): Promise<void>
  forward(): Promise<void>
  /** Hides the page until `show()`. */
  hide(): Promise<void>
  show(): Promise<void>
  /** Tells the browser that it has no network, and stops new connections. Absent if the browser cannot be told. */
  offline?(off: boolean): Promise<void>
  /** Bytes of the page's heap after a garbage collection. Absent if the browser does not report it. */
  heap?(): Promise<number>
  close(): Promise<void>
}
