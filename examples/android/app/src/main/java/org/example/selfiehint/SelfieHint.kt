package org.example.selfiehint

import android.annotation.SuppressLint
import android.content.Context
import android.net.Uri
import android.os.Handler
import android.os.Looper
import android.webkit.JavascriptInterface
import android.webkit.WebResourceRequest
import android.webkit.WebResourceResponse
import android.webkit.WebView
import android.webkit.WebViewClient
import androidx.webkit.WebViewAssetLoader

/** Tells whether photos look like selfies, in a WebView that is never shown. Main thread only. */
@SuppressLint("SetJavaScriptEnabled", "JavascriptInterface")
class SelfieHint(private val context: Context) {
    private val main = Handler(Looper.getMainLooper())
    private val photos = mutableMapOf<Int, Uri>()
    private val answers = mutableMapOf<Int, (Boolean?) -> Unit>()
    private var last = 0
    private var ready = false

    private val loader = WebViewAssetLoader.Builder()
        .addPathHandler("/selfie/photo/") { path -> openPhoto(path.toIntOrNull()) }
        .addPathHandler("/assets/", WebViewAssetLoader.AssetsPathHandler(context))
        .addPathHandler("/selfie/") { path ->
            WebViewAssetLoader.AssetsPathHandler(context).handle("selfie/$path")
        }
        .build()

    private val view = WebView(context).apply {
        settings.javaScriptEnabled = true
        settings.blockNetworkLoads = false // the loader answers all there is; nothing else is asked
        webViewClient = object : WebViewClient() {
            override fun shouldInterceptRequest(view: WebView, request: WebResourceRequest) =
                loader.shouldInterceptRequest(request.url)
        }
        addJavascriptInterface(Bridge(), "hint")
        loadUrl("https://${WebViewAssetLoader.DEFAULT_DOMAIN}/selfie/bridge.html")
    }

    /** Ask about a photo; `answer` is called once, with null where nothing can be told in time. */
    fun ask(photo: Uri, answer: (Boolean?) -> Unit) {
        if (!ready) return answer(null)
        val id = ++last
        synchronized(photos) { photos[id] = photo }
        answers[id] = answer
        main.postDelayed({ finish(id, null) }, LIMIT_MS)
        view.evaluateJavascript("check($id)", null)
    }

    fun close() = view.destroy()

    private fun finish(id: Int, selfie: Boolean?) {
        synchronized(photos) { photos.remove(id) }
        answers.remove(id)?.invoke(selfie)
    }

    private fun openPhoto(id: Int?): WebResourceResponse? {
        val photo = synchronized(photos) { photos[id] } ?: return null
        val stream = runCatching { context.contentResolver.openInputStream(photo) }.getOrNull()
        return stream?.let { WebResourceResponse("application/octet-stream", null, it) }
    }

    private inner class Bridge {
        @JavascriptInterface
        fun ready() {
            main.post { ready = true }
        }

        @JavascriptInterface
        fun tell(id: Int, label: String) {
            val selfie = when (label) {
                "selfie" -> true
                "not_selfie" -> false
                else -> null
            }
            main.post { finish(id, selfie) }
        }
    }

    private companion object {
        const val LIMIT_MS = 2000L // nobody should wait longer for a hint
    }
}
