# Sends a signed request: WEBHOOK_SECRET=whsec_… sh send_webhook.sh URL FILE [WEBHOOK-ID] [TIMESTAMP]
url=$1 file=$2 id=${3:-msg_$(date +%s)_$$} timestamp=${4:-$(date +%s)}
key=$(printf %s "${WEBHOOK_SECRET#whsec_}" | openssl base64 -d -A | od -An -v -tx1 | tr -d ' \n')
signature=$({ printf '%s.%s.' "$id" "$timestamp"; cat "$file"; } |
  openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary | openssl base64 -A)
curl --silent --show-error --output /dev/stderr --write-out '%{http_code}\n' --data-binary "@$file" \
  --header 'content-type: application/json' --header "webhook-id: $id" --header "webhook-timestamp: $timestamp" \
  --header "webhook-signature: v1,$signature" "$url"
