"""
Runs jobs as containers or as child processes, and keeps the state of one embedded AWS.

::

    local/session.py         local_aws(): opens an account, and gives the boto3 session onto it
      local/moto.py          starts moto with all patches
        local/patches/       replace moto's attributes; jobs.py calls runtime for each job
          runtime/job_run.py       one job: dependencies, room in the queue, retries, end
            runtime/attempt.py     one attempt: environment, timeout, log stream, exit code
              runtime/docker.py    the attempt as a container, where the daemon has the image
              runtime/process.py   the attempt as a child process, where a folder is the image
                runtime/images.py      the folders that are fake images
                runtime/dockerfile.py  what a Dockerfile says about running
              runtime/secrets.py   the values of its secrets
              runtime/job_logs.py  the attempt's lines, into CloudWatch Logs as they come
      runtime/account.py     what one embedded AWS consists of, and its end
      runtime/home.py        its folder; what a killed process has left
      runtime/stopping.py    SIGTERM ends it as an exception does
      runtime/server.py      the same AWS over HTTP, for the jobs
      runtime/environ.py     fake credentials instead of the user's own

How a job runs. Batch's SubmitJob starts moto's thread for the job, and the patched ``Job.run``
hands the thread to `job_run.run`. The job waits for the jobs that it depends on (PENDING) and for
a compute environment that is ENABLED and large enough (RUNNABLE). Each attempt then gets a
`Container` from `attempt.start`: a `DockerContainer` if a daemon answers and has the image,
otherwise a `ProcessContainer` if there is a fake image; without either it ends with
CannotPullContainerError. A process gets a new folder with the files that the Dockerfile copies,
and is removed with it. Both reach the embedded AWS at the URL in ``AWS_ENDPOINT_URL``.

Jobs change moto's state under `lock.DISPATCH`, which every API call holds too.
"""
