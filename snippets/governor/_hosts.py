"""Which service answers at a host: `.example.com` also stands for every name below it; sorted, longest match wins."""

from __future__ import annotations

__all__ = ["service_of"]

SERVICES = {
    ".aiplatform.googleapis.com": ("llm", "vertex"),
    ".amazonaws.com": ("cloud_service", "aws"),
    "api-m.paypal.com": ("external_api", "paypal"),
    "api.airtable.com": ("external_api", "airtable"),
    "api.anthropic.com": ("llm", "anthropic"),
    "api.bitbucket.org": ("external_api", "bitbucket"),
    "api.box.com": ("object_store", "box"),
    "api.braintreegateway.com": ("external_api", "braintree"),
    "api.cloudflare.com": ("cloud_service", "cloudflare"),
    "api.cohere.ai": ("llm", "cohere"),
    "api.cohere.com": ("llm", "cohere"),
    "api.coinbase.com": ("external_api", "coinbase"),
    "api.datadoghq.com": ("telemetry", "datadog"),
    "api.deepseek.com": ("llm", "deepseek"),
    "api.digitalocean.com": ("cloud_service", "digitalocean"),
    "api.dropboxapi.com": ("object_store", "dropbox"),
    "api.github.com": ("external_api", "github"),
    "api.groq.com": ("llm", "groq"),
    "api.heroku.com": ("cloud_service", "heroku"),
    "api.hubapi.com": ("external_api", "hubspot"),
    "api.intercom.io": ("external_api", "intercom"),
    "api.linear.app": ("external_api", "linear"),
    ".api.mailchimp.com": ("email", "mailchimp"),
    "api.mailgun.net": ("email", "mailgun"),
    "api.mailjet.com": ("email", "mailjet"),
    "api.mistral.ai": ("llm", "mistral"),
    "api.mixpanel.com": ("external_api", "mixpanel"),
    "api.notion.com": ("external_api", "notion"),
    "api.openai.com": ("llm", "openai"),
    "api.pagerduty.com": ("external_api", "pagerduty"),
    "api.paypal.com": ("external_api", "paypal"),
    "api.pinecone.io": ("vector_store", "pinecone"),
    "api.plaid.com": ("external_api", "plaid"),
    "api.postmarkapp.com": ("email", "postmark"),
    "api.replicate.com": ("llm", "replicate"),
    "api.resend.com": ("email", "resend"),
    "api.segment.io": ("external_api", "segment"),
    "api.sendgrid.com": ("email", "sendgrid"),
    "api.spotify.com": ("external_api", "spotify"),
    "api.squareup.com": ("external_api", "square"),
    "api.stripe.com": ("external_api", "stripe"),
    "api.telegram.org": ("chat", "telegram"),
    "api.together.xyz": ("llm", "together"),
    "api.twilio.com": ("sms", "twilio"),
    "api.twitter.com": ("external_api", "twitter"),
    "api.x.com": ("external_api", "twitter"),
    "app.posthog.com": ("external_api", "posthog"),
    ".atlassian.net": ("external_api", "atlassian"),
    "bedrock-runtime.*.amazonaws.com": ("llm", "bedrock"),
    "bigquery.googleapis.com": ("database", "bigquery"),
    ".blob.core.windows.net": ("object_store", "azure-blob"),
    "content.dropboxapi.com": ("object_store", "dropbox"),
    "discord.com": ("chat", "discord"),
    "discordapp.com": ("chat", "discord"),
    ".documents.azure.com": ("database", "azure-cosmos"),
    "dynamodb.*.amazonaws.com": ("database", "dynamodb"),
    "email.*.amazonaws.com": ("email", "ses"),
    ".firebaseio.com": ("database", "firebase"),
    "generativelanguage.googleapis.com": ("llm", "google-genai"),
    "gitlab.com": ("external_api", "gitlab"),
    "gmail.googleapis.com": ("email", "gmail"),
    ".googleapis.com": ("cloud_service", "google"),
    "graph.facebook.com": ("external_api", "meta"),
    "graph.microsoft.com": ("external_api", "microsoft-graph"),
    "hooks.slack.com": ("chat", "slack"),
    "huggingface.co": ("llm", "huggingface"),
    ".ingest.sentry.io": ("telemetry", "sentry"),
    "management.azure.com": ("cloud_service", "azure"),
    "mandrillapp.com": ("email", "mandrill"),
    ".myshopify.com": ("external_api", "shopify"),
    ".openai.azure.com": ("llm", "azure-openai"),
    "openrouter.ai": ("llm", "openrouter"),
    "pubsub.googleapis.com": ("topic", "pubsub"),
    ".qdrant.io": ("vector_store", "qdrant"),
    ".queue.core.windows.net": ("queue", "azure-queue"),
    ".s3.amazonaws.com": ("object_store", "s3"),
    "s3.amazonaws.com": ("object_store", "s3"),
    ".salesforce.com": ("external_api", "salesforce"),
    "secretmanager.googleapis.com": ("secret", "gcp-secretmanager"),
    "secretsmanager.*.amazonaws.com": ("secret", "secretsmanager"),
    ".servicebus.windows.net": ("queue", "azure-servicebus"),
    "sheets.googleapis.com": ("external_api", "google-sheets"),
    "slack.com": ("chat", "slack"),
    "sns.*.amazonaws.com": ("topic", "sns"),
    "sqs.*.amazonaws.com": ("queue", "sqs"),
    "storage.googleapis.com": ("object_store", "gcs"),
    ".supabase.co": ("database", "supabase"),
    ".svc.pinecone.io": ("vector_store", "pinecone"),
    "uploads.github.com": ("external_api", "github"),
    ".vault.azure.net": ("secret", "azure-keyvault"),
    ".weaviate.network": ("vector_store", "weaviate"),
    "www.googleapis.com": ("external_api", "google"),
    ".zendesk.com": ("external_api", "zendesk"),
}


def service_of(host: str) -> tuple[str, str] | None:
    """`(resource type, name)` of the service at `host`, or None."""
    exact = SERVICES.get(host) or SERVICES.get("." + host)
    if exact is not None:
        return exact
    if host.endswith(".amazonaws.com"):
        # `<service>.<region>.amazonaws.com` stands as `<service>.*.amazonaws.com`.
        service = SERVICES.get(host.partition(".")[0] + ".*.amazonaws.com")
        if service is not None:
            return service
    rest = host
    while "." in rest:
        rest = rest.partition(".")[2]
        below = SERVICES.get("." + rest)
        if below is not None:
            return below
    return None
