<?php
// A receiver of webhooks. To try it: WEBHOOK_SECRET=whsec_… php -S 0.0.0.0:8080 receive_webhooks.php

const TOLERANCE_SECONDS = 5 * 60;
const MOST_BYTES = 1024 * 1024;

/** Whether the body is the LMS's, unchanged, and not a recording of last week. */
function verified(string $id, string $timestamp, string $signatures, string $body): bool
{
    if (!preg_match('/^\d{1,12}$/D', $timestamp) || abs(time() - (int) $timestamp) > TOLERANCE_SECONDS) {
        return false;
    }
    $key = base64_decode(preg_replace('/^whsec_/', '', getenv('WEBHOOK_SECRET')), true);
    $expected = 'v1,' . base64_encode(hash_hmac('sha256', "$id.$timestamp.$body", $key, true));
    // During the rotation of a secret there are two signatures, separated by a space.
    foreach (explode(' ', $signatures) as $one) {
        if (hash_equals($expected, $one)) {
            return true;
        }
    }
    return false;
}

/** Whether this message was never there before. In production: a table with a unique index, in one transaction. */
function isNew(string $id): bool
{
    $folder = sys_get_temp_dir() . '/webhooks-seen-' . hash('sha256', getenv('WEBHOOK_SECRET'));
    @mkdir($folder, 0700);
    $file = @fopen($folder . '/' . hash('sha256', $id), 'x'); // Fails if it is there.
    return $file !== false && fclose($file);
}

/** The status to answer. A real receiver stores the event here, and works on it after it has answered. */
function receive(): int
{
    $body = file_get_contents('php://input'); // The bytes as they came, not $_POST.
    $id = $_SERVER['HTTP_WEBHOOK_ID'] ?? '';
    if (strlen($body) > MOST_BYTES) {
        return 413;
    }
    $signatures = $_SERVER['HTTP_WEBHOOK_SIGNATURE'] ?? '';
    if (!verified($id, $_SERVER['HTTP_WEBHOOK_TIMESTAMP'] ?? '', $signatures, $body)) {
        return 401;
    }
    $event = json_decode($body, true);
    if (json_last_error() !== JSON_ERROR_NONE) {
        return 400; // It is the LMS's, and no JSON: the operator has ticked WWW form encoding.
    }
    if (isNew($id)) {
        // Of a test nothing has happened: an operator tries the webhook out.
        $isTest = $event['event_metadata']['test'] ?? false;
        $what = $isTest ? 'a test' : ($event['event_metadata']['event_name'] ?? '') . ' ' . ($event['user']['id'] ?? '');
        file_put_contents('php://stdout', "$what\n");
    }
    return 204;
}

http_response_code(receive());
